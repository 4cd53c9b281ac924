import { type Code, problem } from '../../spec/diagnostics/index.ts'
import { canBeAbsent, type Value } from '../../spec/index.ts'
import { observePaths, planWaits } from '../observe/index.ts'
import {
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  parseRecord,
  restorePath,
  sameOwnership,
  standingOf,
  unproven,
  type Waits,
} from '../ownership/index.ts'
import {
  type Blocked,
  byOrder,
  type Change,
  diffSettings,
  type Note,
  type Plan,
  PLAN_SCHEMA,
  PLAN_VERSION,
  type QubePlan,
} from '../plan/index.ts'
import {
  type Host,
  type HostQube,
  isRunning,
  type ManagedVersion,
  mapLimited,
  meansSame,
  providerOf,
  type Providers,
  type QubeFacts,
  type Receipts,
  sameValue,
} from '../ports/index.ts'
import { changeOf } from './change.ts'
import { type Difference } from './diff.ts'
import { references, type References } from './references.ts'
import { type Doing, doingsOf, targetOf, type Undone } from './rollback-scope.ts'
import { untilHalted } from './until-halted.ts'

export interface RollbackContext {
  readonly host: Host
  readonly providers: Providers
  readonly qubes: readonly HostQube[]
  readonly version: ManagedVersion
  readonly now: string
  readonly receipts: Receipts
}

/**
 * The plan that undoes plans that have been applied, the newest first in `undone`. Guarded like any plan; a value that
 * someone else has changed since is not overwritten, and blocks.
 */
export async function makeRollbackPlan(undone: readonly Undone[], context: RollbackContext): Promise<Plan> {
  const byQube = doingsOf(undone)
  const lookUp = references(context)
  const qubes = await mapLimited([...byQube], 4, ([name, doing]) =>
    rollbackQube(name, doing, context, lookUp),
  )
  return {
    schema: PLAN_SCHEMA,
    version: PLAN_VERSION,
    createdAt: context.now,
    host: { where: context.host.where, release: context.version },
    spec: { name: undone.at(-1)?.plan.spec.name ?? null, digest: '', commit: null },
    qubes,
    tables: Object.assign({}, ...undone.map(({ plan }) => plan.tables ?? {})) as Record<string, string>,
  }
}

async function rollbackQube(
  name: string,
  doing: Doing,
  context: RollbackContext,
  lookUp: References,
): Promise<QubePlan> {
  const qube = context.qubes.find((candidate) => candidate.name === name)
  const isOther = doing.uuid !== null || !doing.created ? qube?.uuid !== doing.uuid : false
  if (qube === undefined || isOther) {
    const why = 'the qube that was changed then is not there any more'
    return empty(name, qube, [wholeQube('unknown-qube', why)])
  }
  const facts: QubeFacts = { qube, version: context.version }
  const seen = await observePaths(context.host, context.providers, facts, [...doing.paths.keys()])
  const recordText = seen.recordText.status === 'present' ? seen.recordText.value : null
  const reading = parseRecord(recordText ?? undefined, { name, uuid: qube.uuid ?? '' })
  if (reading.kind === 'unreadable' || reading.kind === 'foreign') {
    const foreign = wholeQube('foreign-record', 'the ownership record is another qube’s')
    return empty(name, qube, [
      reading.kind === 'unreadable' ? { path: null, problem: reading.problem } : foreign,
    ])
  }
  const standing = await standingOf({ qube: name, uuid: qube.uuid }, recordText, reading, context.receipts)
  if (reading.kind === 'record' && reading.record.version === 2 && !standing.isProven)
    return empty(name, qube, [{ path: null, problem: unproven(name, reading.record) }])
  if (doing.created && doing.uuid === null && reading.kind === 'none') {
    // The plan that created it could not know its UUID: only its record tells that it is the same.
    const why = 'whether this is the qube that was created then is not known: it carries no record'
    return empty(name, qube, [wholeQube('unidentified-qube', why)])
  }
  const made: Change[] = []
  const blocked: Blocked[] = []
  for (const [path, done] of doing.paths) {
    const same = (a: Value | null, b: Value | null): boolean =>
      meansSame(context.providers, path, a, b, facts)
    const target = targetOf(path, done, doing, same)
    const value = seen.values.get(path) ?? { status: 'absent' }
    if (value.status === 'unknown') {
      blocked.push({ path, problem: value.problem })
      continue
    }
    const before = value.status === 'present' ? value.value : null
    if (sameValue(before, target)) continue
    const hint = 'set it by hand, or in the spec'
    if (!done.left.some((value) => same(before, value))) {
      blocked.push({ path, problem: problem('changed-since', 'changed since by someone else', hint) })
      continue
    }
    if (target === null && !canBeAbsent(path)) {
      blocked.push({ path, problem: problem('no-way-back', 'it has no default to go back to', hint) })
      continue
    }
    const lacking = await lookUp.problem({ path, after: target, reason: 'rollback' }, facts)
    if (lacking !== undefined) {
      blocked.push({ path, problem: lacking })
      continue
    }
    const wait = await untilHalted({ path, after: target }, facts, context)
    const change = wait ?? makeChange(path, before, target, facts, context)
    if ('problem' in change) blocked.push(change)
    else made.push(change)
  }
  const now = reading.kind === 'record' ? reading.record : null
  const then = doing.record
  const { changes, waits, waiting, note } = await planWaits(
    context.host,
    {
      providers: context.providers,
      facts,
      values: seen.values,
      started: undefined,
      unfinished: standing.waits,
    },
    now ?? then,
    made.sort(byOrder),
  )
  const after = rolledBack(now, then, blocked, waits)
  const same = now === null ? after === null : after !== null && sameOwnership(now, after)
  return {
    ...empty(name, qube, blocked),
    changes,
    record: { before: recordText, after: same ? recordText : after === null ? null : formatRecord(after) },
    waiting,
    notes: [...note, ...(doing.created ? [createdNote(name)] : []), ...ownershipNotes(now, after, changes)],
  }
}

const wholeQube = (code: Code, why: string): Blocked => ({
  path: null,
  problem: problem(code, why, 'nothing of it can be rolled back'),
})

const createdNote = (name: string): Note => ({
  kind: 'created',
  path: null,
  text: `was created by what is undone, and stays: \`qvm-remove ${name}\` removes it`,
})

/** What is owned otherwise than now, and keeps its value. */
function ownershipNotes(
  now: OwnershipRecord | null,
  after: OwnershipRecord | null,
  changes: readonly Change[],
): readonly Note[] {
  const changed = new Set(changes.map(({ path }) => path))
  const only = (one: OwnershipRecord | null, other: OwnershipRecord | null): number =>
    [...(one?.set.keys() ?? [])].filter((path) => other?.set.has(path) !== true && !changed.has(path)).length
  const [taken, given] = [only(after, now), only(now, after)]
  const note = (text: string): Note => ({ kind: 'owned-then', path: null, text })
  return [
    ...(taken === 0 ? [] : [note(`${settings(taken)} qstate’s again`)]),
    ...(given === 0 ? [] : [note(`${settings(given)} not qstate’s any more: no value changes`)]),
  ]
}

const settings = (count: number): string => (count === 1 ? '1 setting is' : `${count} settings are`)

function makeChange(
  path: string,
  before: Value | null,
  after: Value | null,
  facts: QubeFacts,
  context: RollbackContext,
): Change | Blocked {
  const operation = diffSettings(facts.qube.name, new Map([[path, before]]), new Map([[path, after]])).get(
    path,
  )
  const difference: Difference = { path, before, after, reason: 'rollback' }
  return changeOf(difference, operation, providerOf(context.providers, path), facts)
}

/**
 * The record owns what it owned then. A setting that cannot be rolled back stays owned as it is. Null: nothing is owned, nor was the qube known as made.
 */
function rolledBack(
  now: OwnershipRecord | null,
  then: OwnershipRecord | null,
  blocked: readonly Blocked[],
  waits: Waits | null,
): OwnershipRecord | null {
  const base = now ?? then
  if (base === null) return null
  const entries = {
    set: new Map(then?.set),
    originals: new Map(then?.originals),
    once: new Set(then?.once),
  }
  for (const { path } of blocked) {
    if (path === null || now?.set.has(path) !== true) continue
    restorePath(entries, now, path)
  }
  const record: OwnershipRecord = { ...base, name: then?.name ?? base.name, ...entries, waits }
  const isMade = then !== null && isEmptyRecord(then)
  return isEmptyRecord(record) && !isMade ? null : record
}

function empty(name: string, qube: HostQube | undefined, blocked: readonly Blocked[]): QubePlan {
  return {
    qube: name,
    uuid: qube?.uuid ?? null,
    klass: qube?.klass ?? '',
    running: qube !== undefined && isRunning(qube),
    changes: [],
    waiting: [],
    record: { before: null, after: null },
    blocked,
    notes: [],
  }
}
