import {
  type Diagnostic,
  errorAt,
  NOWHERE,
  problem,
  type Problem,
  quote,
  type Report,
  sortDiagnostics,
  type SourceFile,
  suggest,
} from '../diagnostics/index.ts'
import { checkSchema, type Contract, contractOf } from '../schema/index.ts'
import { get, readYaml, type Written } from '../yaml/index.ts'
import { validateFleet } from './fleet-validator.ts'
import { type Fleet, type RolloutSpec } from './model.ts'
import { readFleet } from './read-fleet.ts'
import { readRollout } from './read-rollout.ts'
import { validateRollout } from './rollout-validator.ts'

export interface LoadedFleet {
  /** Null with any error. */
  readonly fleet: Fleet | null
  readonly rollouts: readonly RolloutSpec[]
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads one fleet and its rollouts, in as many documents and files as they like. All that is wrong is told at once. */
export function loadFleet(sources: readonly SourceFile[]): LoadedFleet {
  const found: Diagnostic[] = []
  const report: Report = (diagnostic) => found.push(diagnostic)
  const documents = sources.flatMap((source) => readYaml(source, report).documents)
  const fleets = ofKind('Fleet', documents, FLEET, report)
  const plans = ofKind('Rollout', documents, ROLLOUT, report)
  for (const document of documents) checkKind(document, report)
  if (fleets.length === 0 && found.length === 0) {
    report(errorAt({ ...NOWHERE, file: sources[0]?.path ?? '' }, NO_FLEET))
  }
  for (const second of fleets.slice(1)) report(errorAt(second.position, TWO_FLEETS))
  const fleet = fleets[0] === undefined ? null : readFleet(fleets[0], report)
  const rollouts = plans.map((document) => readRollout(document, fleet, report))
  checkRolloutNames(plans, report)
  const diagnostics = sortDiagnostics(found)
  const sound = diagnostics.every(({ severity }) => severity !== 'error')
  return sound ? { fleet, rollouts, diagnostics } : { fleet: null, rollouts: [], diagnostics }
}

const FLEET = contractOf(validateFleet)
const ROLLOUT = contractOf(validateRollout)

function ofKind(
  kind: string,
  documents: readonly Written[],
  contract: Contract,
  report: Report,
): readonly Written[] {
  const mine = documents.filter((document) => kindOf(document) === kind)
  for (const document of mine) checkSchema(document, report, contract)
  return mine
}

const kindOf = (document: Written): string | null => {
  const kind = get(document, 'kind')
  return kind?.kind === 'text' ? kind.value : null
}

function checkKind(document: Written, report: Report): void {
  const kind = kindOf(document)
  if (kind === 'Fleet' || kind === 'Rollout') return
  const position = get(document, 'kind')?.position ?? document.position
  report(errorAt(position, kind === null || kind === 'Qubes' ? NOT_HERE : unknownKind(kind)))
}

function checkRolloutNames(documents: readonly Written[], report: Report): void {
  const seen = new Set<string>()
  for (const document of documents) {
    const name = get(document, 'name')
    if (name?.kind !== 'text') continue
    if (seen.has(name.value)) {
      const what = problem(
        'two-rollouts',
        `two rollouts are called ${quote(name.value)}`,
        'give each its own name',
      )
      report(errorAt(name.position, what))
    }
    seen.add(name.value)
  }
}

const unknownKind = (kind: string): Problem =>
  problem(
    'unknown-kind',
    `unknown kind ${quote(kind)}`,
    suggest(kind, ['Fleet', 'Rollout'], 'expected Fleet or Rollout'),
  )

const NOT_HERE = problem(
  'other-kind',
  'this document is neither a Fleet nor a Rollout',
  'what hosts are to be stands in files of its own, which a fleet names under spec',
)
const NO_FLEET = problem(
  'no-fleet',
  'there is no fleet here',
  'a fleet starts with "apiVersion: qstate/v1" and "kind: Fleet"',
)
const TWO_FLEETS = problem('two-fleets', 'there is another fleet already', 'all files together are one fleet')
