import {
  type Diagnostic,
  errorAt,
  explainPlaceholders,
  keyOf,
  NOWHERE,
  problem,
  quote,
  type Report,
  sortDiagnostics,
  type SourceFile,
  suggest,
  warningAt,
} from '../diagnostics/index.ts'
import {
  type Body,
  type LoadOptions,
  type Manifest,
  type Placed,
  readDevices,
  readFormerly,
  type Reading,
  readMoves,
  readName,
  readProfiles,
  readQubes,
  readSelectors,
  type Selector,
} from '../read/index.ts'
import { checkSchema } from '../schema/index.ts'
import { get, readYaml, type Written } from '../yaml/index.ts'
import { conflictProblem, deviceConflicts } from './check-device-conflicts.ts'
import { checkDrift } from './check-drift.ts'
import { checkQube, type ReportOn, View } from './check-qube.ts'
import { type Compose, composer } from './compose.ts'

/**
 * Reads and checks everything that can be checked without a host. All that is wrong is told at once; with any error
 * there is no manifest.
 */
export function loadManifest(
  sources: readonly SourceFile[],
  options: LoadOptions = {},
): { readonly manifest: Manifest | null; readonly diagnostics: readonly Diagnostic[] } {
  const found: Diagnostic[] = []
  const report: Report = (diagnostic) => found.push(diagnostic)

  const { documents: written, allRead } = readDocuments(sources, report)
  const documents = options.shape?.(written, report) ?? written
  const refused = new Set(documents.flatMap((document) => [...checkSchema(document, report)]))
  const base: Reading = {
    report,
    refused,
    devices: new Map(),
    allRead,
    readTable: readEachOnce(options.readTable),
    tables: new Map(),
  }
  const reading = { ...base, devices: readDevices(documents, base) }
  const name = readName(documents, reading)
  const profiles = readProfiles(documents, reading)
  const bodies = { qubes: readQubes(documents, reading), selectors: readSelectors(documents, reading) }
  const formerly = readFormerly(documents, name, reading)
  const moved = readMoves(documents, bodies, reading)
  const compose = composer(profiles, allRead, report)
  checkProfiles(profiles, compose, report)
  const { qubes, selectors } = composeAll(bodies, compose)
  checkOffline(qubes, selectors, report)

  const sorted = sortDiagnostics(found)
  // Where a fleet has laid out the files it has filled in what it knows, too.
  const diagnostics = options.shape === undefined ? explainPlaceholders(sorted, sources) : sorted
  if (diagnostics.some(({ severity }) => severity === 'error')) return { manifest: null, diagnostics }
  const tags = selectors.flatMap(({ match }) => (match.tag === null ? [] : [match.tag]))
  const selects = { needsHost: selectors.length > 0, tags: [...new Set(tags)].sort() }
  const reported = new Set(diagnostics.map(keyOf))
  const { tables } = reading
  const manifest = { name, formerly, moved, selects, tables, qubes, selectors, reported }
  return { manifest, diagnostics }
}

/** Composed on its own, also where nothing extends it: what is wrong with it is told all the same. */
function checkProfiles(profiles: ReadonlyMap<string, Body>, compose: Compose, report: Report): void {
  for (const body of profiles.values()) {
    compose(body)
    if (body.ensure?.creates === 'absent') report(errorAt(body.ensure.position, ABSENT_IN_PROFILE))
  }
}

function composeAll(
  bodies: { readonly qubes: ReadonlyMap<string, Body>; readonly selectors: readonly Selector[] },
  compose: Compose,
): Pick<Manifest, 'qubes' | 'selectors'> {
  const qubes = new Map<string, Placed>()
  for (const [name, body] of bodies.qubes)
    qubes.set(name, { composed: compose(body), position: body.position })
  const selectors = bodies.selectors.map((body) => ({
    match: body.match,
    composed: compose(body),
    position: body.position,
  }))
  return { qubes, selectors }
}

/** Judges every qube and every selector by itself, as far as that needs no host. */
function checkOffline(qubes: Manifest['qubes'], selectors: Manifest['selectors'], report: Report): void {
  // A selector may yet add what a qube seems to lack: then `resolve` looks for it.
  const isWhole = selectors.length === 0
  const reportOn: ReportOn = (_, diagnostic) => {
    report(diagnostic)
  }
  const views = new Map<string, View>()
  for (const [name, { composed }] of qubes) {
    const view = new View(composed)
    views.set(name, view)
    checkQube({ name, isWhole }, view, reportOn)
  }
  for (const { composed } of selectors)
    checkQube({ name: null, isWhole: false }, new View(composed), reportOn)
  for (const conflict of deviceConflicts(views)) {
    const at = conflict.claim.position
    report((conflict.isSame ? errorAt : warningAt)(at, conflictProblem(conflict)))
  }
  if (isWhole) checkDrift(views.values(), report)
}

/** The documents that are manifests, of all files. */
function readDocuments(
  sources: readonly SourceFile[],
  report: Report,
): { readonly documents: readonly Written[]; readonly allRead: boolean } {
  const documents: Written[] = []
  let [allRead, seen] = [true, false]
  for (const source of sources) {
    const file = readYaml(source, report)
    if (file.broken) allRead = false
    seen ||= file.broken || file.documents.length > 0
    for (const document of file.documents) {
      if (isManifest(document, report)) documents.push(document)
      else allRead = false
    }
  }
  if (!seen) report(errorAt({ ...NOWHERE, file: sources[0]?.path ?? '' }, NO_DOCUMENT))
  return { documents, allRead }
}

/** A document of another kind is told apart here: against the schema everything in it would be wrong. */
function isManifest(document: Written, report: Report): boolean {
  const kind = get(document, 'kind')
  if (kind?.kind !== 'text' || kind.value === 'Qubes') return true
  const many = kind.value === 'Fleet' || kind.value === 'Rollout'
  const what = many
    ? problem(
        'other-kind',
        `a ${kind.value} is not the state of a host`,
        'keep it out of the files of a host; `qstate validate FILE` checks it, with the spec of every host of the fleet',
      )
    : problem(
        'unknown-kind',
        `unknown kind ${quote(kind.value)}`,
        kind.value === 'Agent'
          ? 'an agent’s own file is kept on its host, and checked there: qstate agent check --file FILE'
          : suggest(kind.value, ['Qubes', 'Fleet', 'Rollout'], 'expected Qubes'),
      )
  report(errorAt(kind.position, what))
  return false
}

/** Fifty qubes with one table read its file once. */
function readEachOnce(readTable: LoadOptions['readTable']): LoadOptions['readTable'] {
  if (readTable === undefined) return undefined
  const known = new Map<string, Buffer | string>()
  return (path, from) => {
    const key = JSON.stringify([path, from])
    const found = known.get(key) ?? readTable(path, from)
    known.set(key, found)
    return found
  }
}

const ABSENT_IN_PROFILE = problem(
  'ensure-absent',
  'a profile removes no qube',
  'write ensure: absent for the qube itself, under qubes',
)

const NO_DOCUMENT = problem(
  'no-document',
  'there is no document here',
  'a manifest starts with "apiVersion: qstate/v1"; `qstate devices` and the examples help with a first one',
)
