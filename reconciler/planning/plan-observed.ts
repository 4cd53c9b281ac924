import { problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, type Value } from '../../spec/index.ts'
import { explained, type Explainer } from '../annotate/index.ts'
import { type ObservedQube, planWaits } from '../observe/index.ts'
import {
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  recordTooLong,
  restoreEntry,
  sameOwnership,
} from '../ownership/index.ts'
import {
  type Blocked,
  byOrder,
  type Change,
  diffSettings,
  type Note,
  type Operation,
  type QubePlan,
} from '../plan/index.ts'
import { providerOf, type Providers } from '../ports/index.ts'
import { blockedQube, describe } from './blocked-qube.ts'
import { changeOf } from './change.ts'
import { type Difference, diffQube } from './diff.ts'
import { inScope, type PlanContext } from './plan-context.ts'
import { untilHalted } from './until-halted.ts'

/** What becomes of a qube as it was seen. */
export async function planObserved(
  observed: ObservedQube,
  wanted: DesiredQube | null,
  record: OwnershipRecord | null,
  desired: DesiredState,
  context: PlanContext & { readonly explain: Explainer },
): Promise<QubePlan> {
  const { providers } = context
  const { facts } = observed
  const ours = record === null ? null : scoped(record, facts.qube.name, context)
  const difference = diffQube(providers, wanted, observed, ours, await context.unfinished?.())
  const { set, was, blocked } = difference
  const held: Blocked[] = []
  const made: Change[] = []
  const operations = operationsOf(facts.qube.name, difference.differences)
  for (const d of difference.differences) {
    if (context.mode === 'adopt') {
      restore(set, was, d.path, ours)
      continue
    }
    const wait = await untilHalted(d, facts, context)
    const change = wait ?? planChange(d, operations.get(d.path), observed, providers)
    if ('problem' in change) {
      if (wait !== undefined && wanted?.restart === 'idle-halted') held.push(change)
      else blocked.push(change)
      restore(set, was, d.path, ours)
    } else made.push(change)
  }
  const planned =
    made.length === 0
      ? made
      : await explained(made.sort(byOrder), observed, {
          ...context,
          madeFrom: templateToBe(wanted, context),
        })
  // What is not looked at keeps its place.
  if (record !== null && record !== ours) {
    for (const [path, value] of record.set) if (ours?.set.has(path) !== true) set.set(path, value)
    for (const [path, value] of record.was) if (ours?.was.has(path) !== true) was.set(path, value)
  }

  const { changes, waits, waiting, note } = await planWaits(
    context.host,
    { providers, facts, values: observed.values, started: observed.peek('start_time'), owned: set },
    record,
    planned,
  )
  const next: OwnershipRecord = {
    uuid: facts.qube.uuid ?? '',
    name: desired.name,
    commit: context.commit,
    at: context.now,
    set,
    was,
    waits,
  }
  const isThere = (): boolean => context.qubes.some(({ name }) => name === facts.qube.name)
  const isKnownMade = wanted !== null && record !== null && isEmptyRecord(record)
  const isMade = isKnownMade || (isToBeThere(wanted) && (record !== null || !isThere()))
  const after = recordAfter(observed.recordText, record, next, isMade)
  if (facts.qube.uuid === null && after !== observed.recordText && isThere()) {
    const hint = 'the property uuid has to be readable: without it, a clone could not be told from its origin'
    return blockedQube(
      facts.qube,
      problem('unreadable-uuid', 'the qube does not tell its UUID', hint),
      wanted,
    )
  }
  if (after !== null && recordTooLong(after)) {
    const hint = 'declare fewer settings on this qube, or shorter values'
    const why = 'the ownership record would not fit into a feature'
    return blockedQube(facts.qube, problem('record-too-large', why, hint), wanted)
  }
  const withdrawsAll = isWholeWithdrawal(desired.qubes.get(facts.qube.name), record, changes)
  return {
    ...describe(facts.qube),
    ...(withdrawsAll ? { withdrawsAll } : {}),
    changes,
    record: { before: observed.recordText, after },
    ...(isMade && record !== null ? { made: true as const } : {}),
    blocked,
    ...(held.length === 0 ? {} : { held }),
    waiting,
    ...(wanted?.restart === undefined ? {} : { restart: wanted.restart }),
    notes: [...cloneNote(observed), ...(withdrawsAll ? [DROPPED] : []), ...difference.notes, ...note],
  }
}

/** The text of the record to be; null for none. One that owns nothing is kept of a qube that qstate has made. */
function recordAfter(
  text: string | null,
  record: OwnershipRecord | null,
  next: OwnershipRecord,
  isMade: boolean,
): string | null {
  const isKept = isMade || !isEmptyRecord(next)
  // What is there and no record of this qube is left alone.
  if (!isKept) return record === null ? text : null
  return record !== null && sameOwnership(record, next) ? text : formatRecord(next)
}

/** Created where it is not there: its record is kept, so that it can be removed by the one that made it. */
const isToBeThere = (wanted: DesiredQube | null): boolean =>
  wanted?.ensure !== undefined && wanted.ensure !== 'absent'

/** By path. */
function operationsOf(qube: string, differences: readonly Difference[]): ReadonlyMap<string, Operation> {
  if (differences.length === 0) return new Map()
  const before = new Map(differences.map((d) => [d.path, d.before]))
  return diffSettings(qube, before, new Map(differences.map((d) => [d.path, d.after])))
}

/** The template of a qube that is still to be created, where it is there itself. */
function templateToBe(wanted: DesiredQube | null, { qubes }: PlanContext): string | null {
  const ensure = wanted?.ensure
  if (ensure === undefined || ensure === 'absent') return null
  return qubes.some(({ name }) => name === ensure.template) ? ensure.template : null
}

/** A change with what a person should know of it. */
function planChange(
  difference: Difference,
  operation: Operation | undefined,
  observed: ObservedQube,
  providers: Providers,
): Change | Blocked {
  const { path, before, after } = difference
  const { facts, peek } = observed
  const provider = providerOf(providers, path)
  const change = changeOf(difference, operation, provider, facts)
  if ('problem' in change) return change
  const remark = provider.remark?.(path, after, facts)
  const inherited = before === null ? provider.inherited?.(path, peek) : undefined
  return {
    ...change,
    remarks: remark === undefined ? [] : [remark],
    ...(inherited === undefined ? {} : { inherited }),
  }
}

/** A difference that cannot be made leaves ownership as it was. */
function restore(
  set: Map<string, Value | null>,
  was: Map<string, Value | null>,
  path: string,
  record: OwnershipRecord | null,
): void {
  restoreEntry(set, record?.set, path)
  restoreEntry(was, record?.was, path)
}

/** The record itself, where all of it is looked at. */
function scoped(record: OwnershipRecord, qube: string, context: PlanContext): OwnershipRecord {
  const set = inScope(record.set, qube, context)
  const was = inScope(record.was, qube, context)
  return set === record.set && was === record.was ? record : { ...record, set, was }
}

/**
 * Whether values change because the spec no longer names any setting that is owned here. Judged by the whole spec and the whole
 * record, whatever part of them this plan is about.
 */
function isWholeWithdrawal(
  named: DesiredQube | undefined,
  record: OwnershipRecord | null,
  changes: readonly Change[],
): boolean {
  if (!changes.some(({ reason }) => reason === 'prune')) return false
  return [...(record?.set.keys() ?? [])].every(
    (path) => named?.settings.has(path) !== true && named?.unmanaged?.has(path) !== true,
  )
}

/** A headline, since a line may have been lost by mistake. */
const DROPPED: Note = {
  kind: 'dropped',
  path: null,
  text: 'the spec no longer names any setting that this configuration owns here: all of them are withdrawn',
}

function cloneNote(observed: ObservedQube): readonly Note[] {
  if (observed.record.kind !== 'foreign') return []
  const text = `carries the record of another qube (${observed.record.uuid}), as a clone does: not believed, and replaced`
  return [{ kind: 'clone', path: null, text }]
}
