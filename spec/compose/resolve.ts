import {
  type Diagnostic,
  keyOf,
  NOWHERE,
  type Problem,
  type Report,
  sortDiagnostics,
  type SourceRange,
} from '../diagnostics/index.ts'
import {
  type Composed,
  driftPolicies,
  type Manifest,
  type Statement,
  type Statements,
} from '../read/index.ts'
import {
  type DesiredQube,
  type DesiredSetting,
  type DesiredState,
  digestOf,
  type Ensure,
  type HostFacts,
  type Selections,
  sorted,
} from '../vocabulary/index.ts'
import { checkClaims } from './check-device-conflicts.ts'
import { checkDrift } from './check-drift.ts'
import { checkQube, ensureLabel, View } from './check-qube.ts'
import { layOver } from './compose.ts'
import { selectorsOf } from './membership.ts'
import { matchDigest, matches } from './select.ts'

/**
 * Applies selectors to the qubes of a host and lays everything together. Tells only what `loadManifest` has not told
 * already: what comes of selectors. With any error there is no state.
 */
export function resolve(
  manifest: Manifest,
  facts: HostFacts,
): { readonly desired: DesiredState | null; readonly diagnostics: readonly Diagnostic[] } {
  const found: Diagnostic[] = []
  const report: Report = (diagnostic) => found.push(diagnostic)
  const qubes = layAll(manifest, facts, report)
  const composed = new Map(sorted(qubes).map(([name, { layers }]) => [name, layOver(layers)]))
  // Without selectors `loadManifest` has judged these very qubes.
  if (manifest.selectors.length > 0) {
    const views = new Map([...composed].map(([name, qube]) => [name, new View(qube)]))
    for (const [name, view] of views) checkQube({ name, isWhole: true }, view, report)
    checkClaims(views, report)
    checkDrift(views.values(), report)
  }

  const diagnostics = sortDiagnostics(found).filter((diagnostic) => !manifest.reported.has(keyOf(diagnostic)))
  if (diagnostics.some(({ severity }) => severity === 'error')) return { desired: null, diagnostics }
  const desired = new Map(
    [...composed].map(([name, qube]) => [name, desiredQube(name, qube, qubes.get(name))]),
  )
  const { name, formerly, moved, tables } = manifest
  const untold = untoldIn(manifest, facts)
  const state: DesiredState = {
    name,
    ...(formerly.length === 0 ? {} : { formerly }),
    ...(moved.length === 0 ? {} : { moved }),
    qubes: desired,
    tables,
    digest: digestOf(name, desired),
    ...(manifest.selectors.length === 0 ? {} : { selections: selectionsOf(manifest, facts) }),
    ...(untold.size === 0 ? {} : { untold }),
  }
  return { desired: state, diagnostics }
}

function selectionsOf(manifest: Manifest, facts: HostFacts): Selections {
  const { selectors, selects } = manifest
  return {
    entries: selectors.map(({ match, composed: { statements, drift } }) => ({
      digest: matchDigest(match),
      tag: match.tag,
      gives: (path) => statements.get(path)?.value !== undefined,
      drift: driftPolicies(drift),
    })),
    tags: selects.tags,
    without(name, gone) {
      const found: Diagnostic[] = []
      const report: Report = (diagnostic) => found.push(diagnostic)
      const qubes = facts.qubes
        .filter((qube) => qube.name === name)
        .map((qube) => ({ ...qube, tags: new Set([...qube.tags].filter((tag) => !gone.has(tag))) }))
      const layered = layAll(manifest, { qubes }, report).get(name)
      if (layered === undefined) return { ok: true, value: null }
      const composed = layOver(layered.layers)
      checkQube({ name, isWhole: true }, new View(composed), report)
      const problem = found.find(({ severity }) => severity === 'error')
      return problem === undefined
        ? { ok: true, value: desiredQube(name, composed, layered) }
        : { ok: false, problem }
    },
  }
}

/** Qubes that a selector may mean, if only their tags were known. */
function untoldIn({ selectors }: Manifest, facts: HostFacts): ReadonlyMap<string, Problem> {
  return new Map(
    facts.qubes.flatMap((qube) => {
      const { name, untold } = qube
      if (untold === undefined) return []
      const mayMatch = selectors.some(
        ({ match }) => match.tag !== null && matches({ ...match, tag: null }, qube),
      )
      return mayMatch ? [[name, untold] as const] : []
    }),
  )
}

interface Layered {
  readonly layers: readonly Composed[]
  /** Where the qube itself is written, else the first selector that matched. */
  readonly position: SourceRange
  /** Digests of the `match` of each of its selectors. */
  readonly matched: readonly string[]
}

/** Qubes that have a name here, on the host or not, and those of the host that a selector matches. */
function layAll(manifest: Manifest, facts: HostFacts, report: Report): ReadonlyMap<string, Layered> {
  const { qubes } = manifest
  const all = new Map<string, Layered>()
  for (const qube of [...facts.qubes, ...toBeCreated(manifest, facts)]) {
    const matching = selectorsOf(qube, manifest, report)
    const [first] = matching
    if (first) {
      all.set(qube.name, {
        layers: matching.map(({ composed }) => composed),
        position: first.position,
        matched: [...new Set(matching.map(({ match }) => matchDigest(match)))].sort(),
      })
    }
  }
  // What a qube says under its own name comes last and wins.
  for (const [name, { composed, position }] of qubes) {
    const { layers, matched } = all.get(name) ?? { layers: [], matched: [] }
    all.set(name, { layers: [...layers, composed], position, matched })
  }
  return all
}

/** Named qubes that the spec creates, as they will be: a selector means them at once, not only at the next apply. */
function toBeCreated({ qubes, selectors }: Manifest, facts: HostFacts): HostFacts['qubes'] {
  if (selectors.length === 0) return []
  const there = new Set(facts.qubes.map(({ name }) => name))
  return [...qubes].flatMap(([name, { composed }]) => {
    const creates = composed.ensure?.creates ?? 'absent'
    return creates === 'absent' || there.has(name) ? [] : [{ name, klass: creates.klass, tags: NO_TAGS }]
  })
}

const NO_TAGS: ReadonlySet<string> = new Set()

function desiredQube(name: string, composed: Composed, layered: Layered | undefined): DesiredQube {
  const { statements, drift, restart } = composed
  const { matched, position } = layered ?? { matched: [], position: NOWHERE }
  const ensure = ensureOf(composed)
  const allSet = areSettings(statements)
  return {
    name,
    // What goes has nothing set any more.
    settings: ensure === 'absent' ? new Map() : allSet ? statements : settingsAmong(statements),
    ...(allSet ? {} : { unmanaged: unmanagedAmong(statements) }),
    ...(matched.length === 0 ? {} : { matched }),
    ...(drift.size === 0 ? {} : { drift: driftPolicies(drift) }),
    ...(restart === null ? {} : { restart }),
    ...(ensure === null ? {} : { ensure }),
    position,
  }
}

const isSetting = (statement: Statement): statement is DesiredSetting => statement.value !== undefined

/** Nothing is left alone, so that the statements themselves are the settings, and nothing is copied. */
function areSettings(statements: Statements): statements is ReadonlyMap<string, DesiredSetting> {
  for (const statement of statements.values()) if (!isSetting(statement)) return false
  return true
}

const settingsAmong = (statements: Statements): ReadonlyMap<string, DesiredSetting> =>
  new Map([...statements.values()].filter(isSetting).map((setting) => [setting.path, setting]))

const unmanagedAmong = (statements: Statements): ReadonlySet<string> =>
  new Set([...statements.values()].filter((statement) => !isSetting(statement)).map(({ path }) => path))

/** Without a label there is none: that has been told. */
function ensureOf(composed: Composed): Ensure | 'absent' | null {
  const label = ensureLabel(composed)
  if (composed.ensure?.creates === 'absent') return 'absent'
  if (composed.ensure === null || label === null) return null
  const { klass, template, volumes } = composed.ensure.creates
  return { klass, template, label, volumes }
}
