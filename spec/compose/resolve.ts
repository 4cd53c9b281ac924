import {
  type Diagnostic,
  keyOf,
  located,
  NOWHERE,
  type Problem,
  sortDiagnostics,
  type SourceRange,
  warningAt,
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
  type Unfit,
} from '../vocabulary/index.ts'
import { conflictProblem, type DeviceConflict, deviceConflicts } from './check-device-conflicts.ts'
import { checkDrift } from './check-drift.ts'
import { checkQube, ensureLabel, View } from './check-qube.ts'
import { layOver } from './compose.ts'
import { selectorsOf } from './membership.ts'
import { matchDigest, matches } from './select.ts'

/**
 * Applies selectors to the qubes of a host and lays everything together. Reports only what `loadManifest` has not reported already:
 * warnings. What is wrong is wrong on this host, and makes no spec invalid: it is noted with the qube (`unfit`), and blocks that.
 */
export function resolve(
  manifest: Manifest,
  facts: HostFacts,
): { readonly desired: DesiredState; readonly diagnostics: readonly Diagnostic[] } {
  const warnings: Diagnostic[] = []
  const qubes = layAll(manifest, facts)
  const composed = new Map(sorted(qubes).map(([name, { layers }]) => [name, layOver(layers)]))
  const unfit = new Map<string, Unfit[]>()
  // Without selectors `loadManifest` has judged these very qubes.
  if (manifest.selectors.length > 0) {
    const views = new Map([...composed].map(([name, qube]) => [name, new View(qube)]))
    for (const [name, view] of views) unfit.set(name, judge(name, view, qubes.get(name), warnings))
    for (const conflict of deviceConflicts(views)) {
      const { claim, other, isSame } = conflict
      if (!isSame) warnings.push(warningAt(claim.position, conflictProblem(conflict)))
      else
        for (const [one, rival] of [
          [claim, other],
          [other, claim],
        ] as const)
          noteConflict({ claim: one, other: rival, isSame }, unfit.get(one.qube))
    }
    checkDrift(views.values(), (diagnostic) => warnings.push(diagnostic))
  }
  const desired = new Map(
    [...composed].map(([name, qube]) => [name, desiredQube(name, qube, qubes.get(name), unfit.get(name))]),
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
  const diagnostics = sortDiagnostics(warnings).filter(
    (diagnostic) => !manifest.reported.has(keyOf(diagnostic)),
  )
  return { desired: state, diagnostics }
}

/** What is wrong with a qube as selectors have it; warnings go with the others. */
function judge(name: string, view: View, layered: Layered | undefined, warnings: Diagnostic[]): Unfit[] {
  const found: Unfit[] = layered?.cycle === undefined ? [] : [{ path: null, problem: layered.cycle }]
  checkQube({ name, isWhole: true }, view, (path, diagnostic) => {
    const { severity, code, message, hint, at } = diagnostic
    if (severity === 'warning') warnings.push(diagnostic)
    else found.push({ path, problem: located({ code, message, hint }, at) })
  })
  return found
}

/** Once, however many other qubes take the device. */
function noteConflict(conflict: DeviceConflict, unfit: Unfit[] = []): void {
  const { path, position } = conflict.claim
  const isNoted = unfit.some((one) => one.path === path && one.problem.code === 'contested-device')
  if (!isNoted) unfit.push({ path, problem: located(conflictProblem(conflict), position) })
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
      const qubes = facts.qubes
        .filter((qube) => qube.name === name)
        .map((qube) => ({ ...qube, tags: new Set([...qube.tags].filter((tag) => !gone.has(tag))) }))
      const layered = layAll(manifest, { qubes }).get(name)
      if (layered === undefined) return null
      const composed = layOver(layered.layers)
      return desiredQube(name, composed, layered, judge(name, new View(composed), layered, []))
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
  /** Why it is not known which selectors match it. */
  readonly cycle?: Problem
}

/** Qubes that have a name here, on the host or not, and those of the host that a selector matches. */
function layAll(manifest: Manifest, facts: HostFacts): ReadonlyMap<string, Layered> {
  const { qubes } = manifest
  const all = new Map<string, Layered>()
  for (const qube of [...facts.qubes, ...toBeCreated(manifest, facts)]) {
    const { selectors, cycle } = selectorsOf(qube, manifest)
    const [first] = selectors
    const position = first?.position ?? cycle?.at
    if (position === undefined) continue
    all.set(qube.name, {
      layers: selectors.map(({ composed }) => composed),
      position,
      matched: [...new Set(selectors.map(({ match }) => matchDigest(match)))].sort(),
      ...(cycle === undefined ? {} : { cycle }),
    })
  }
  // What a qube says under its own name comes last and wins.
  for (const [name, { composed, position }] of qubes) {
    const below = all.get(name) ?? { layers: [], matched: [] }
    all.set(name, { ...below, layers: [...below.layers, composed], position })
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

function desiredQube(
  name: string,
  composed: Composed,
  layered: Layered | undefined,
  unfit: readonly Unfit[] = [],
): DesiredQube {
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
    ...(unfit.length === 0 ? {} : { unfit }),
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
