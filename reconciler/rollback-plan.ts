import { type Value } from '../spec/index.ts'
import { type Host, type HostQube, type Release, sameValue } from './host.ts'
import { mapLimited } from './make-plan.ts'
import { observePaths } from './observe.ts'
import { byOrder } from './order.ts'
import { diffSettings, guarded, inverse } from './patch.ts'
import { type Blocked, type Change, type Plan, PLAN_SCHEMA, type QubePlan } from './plan.ts'
import { providerOf, type Providers, type QubeFacts } from './provider.ts'
import { formatRecord, isEmptyRecord, type OwnershipRecord, parseRecord, type Waits } from './record.ts'
import { isRunning, planWaits } from './waits.ts'

export interface RollbackContext {
  readonly host: Host
  readonly providers: Providers
  readonly qubes: readonly HostQube[]
  readonly release: Release
  readonly now: string
  readonly dom0: string | null
}

/** What a run of plans did to one setting: where it began, and where it ended. */
interface Path {
  /** Value before the oldest of them. */
  readonly target: Value | null
  /** Value that the newest of them left. */
  readonly left: Value | null
  /** What was owned before the oldest: the record's text. */
  readonly record: string | null
}

/**
 * The plan that undoes plans that have been applied, the newest first in `undone`. Guarded like any plan; a value that
 * someone else has changed since is not overwritten, and blocks.
 */
export async function makeRollbackPlan(undone: readonly Plan[], context: RollbackContext): Promise<Plan> {
  const byQube = collect(undone)
  const qubes = await mapLimited([...byQube], 4, ([name, paths]) =>
    rollbackQube(name, paths, undone, context),
  )
  return {
    schema: PLAN_SCHEMA,
    version: 1,
    createdAt: context.now,
    host: { where: context.host.where, release: context.release, dom0: context.dom0 },
    spec: { name: undone.at(-1)?.spec.name ?? null, digest: '', commit: null },
    qubes,
    tables: Object.assign({}, ...undone.map((plan) => plan.tables ?? {})) as Record<string, string>,
  }
}

function collect(undone: readonly Plan[]): ReadonlyMap<string, ReadonlyMap<string, Path>> {
  const byQube = new Map<string, Map<string, Path>>()
  for (const plan of undone) {
    for (const { qube, changes, record } of plan.qubes) {
      const paths = byQube.get(qube) ?? new Map<string, Path>()
      for (const { path, before, after } of changes) {
        paths.set(path, { target: before, left: paths.get(path)?.left ?? after, record: record.before })
      }
      if (paths.size > 0) byQube.set(qube, paths)
    }
  }
  return byQube
}

async function rollbackQube(
  name: string,
  paths: ReadonlyMap<string, Path>,
  undone: readonly Plan[],
  context: RollbackContext,
): Promise<QubePlan> {
  const qube = context.qubes.find((candidate) => candidate.name === name)
  const planned = undone.flatMap((plan) => plan.qubes).find((candidate) => candidate.qube === name)
  if (qube === undefined || (qube.uuid !== null && planned?.uuid !== qube.uuid)) {
    const why = 'the qube that was changed then is not there any more'
    return empty(name, qube, [{ path: null, why, hint: 'nothing of it can be rolled back' }])
  }
  const identified = qube.uuid === null ? { ...qube, uuid: planned?.uuid ?? null } : qube
  const facts: QubeFacts = { qube: identified, release: context.release }
  const seen = await observePaths(context.host, context.providers, facts, [...paths.keys()])
  const recordText = seen.recordText.status === 'present' ? seen.recordText.value : null
  const changes: Change[] = []
  const blocked: Blocked[] = []
  for (const [path, { target, left }] of paths) {
    const value = seen.values.get(path) ?? { status: 'absent' }
    if (value.status === 'unknown') {
      blocked.push({ path, why: value.why, hint: value.hint })
      continue
    }
    const before = value.status === 'present' ? value.value : null
    if (sameValue(before, target)) continue
    if (!sameValue(before, left)) {
      blocked.push({ path, why: 'changed since by someone else', hint: 'set it by hand, or in the spec' })
      continue
    }
    const change = makeChange(path, before, target, facts, context)
    if ('why' in change) blocked.push(change)
    else changes.push(change)
  }
  changes.sort(byOrder)
  const now = parseFor(identified, recordText)
  const { waits, waiting, note } = await planWaits(context.host, facts, undefined, now, changes)
  const after = rolledBack(recordText, now, changes, paths, identified, waits)
  return {
    ...empty(name, identified, blocked),
    changes,
    record: { before: recordText, after },
    waiting,
    notes: note,
  }
}

function makeChange(
  path: string,
  before: Value | null,
  after: Value | null,
  facts: QubeFacts,
  context: RollbackContext,
): Change | Blocked {
  const qube = facts.qube.name
  const provider = providerOf(context.providers, path)
  const calls = provider.calls({ qube, path, before, after }, facts)
  if ('refused' in calls) return { path, why: calls.refused, hint: calls.hint }
  const operation = diffSettings(qube, new Map([[path, before]]), new Map([[path, after]])).get(path)
  if (operation === undefined) throw new Error(`${path} differs and has no operation`)
  return {
    path,
    before,
    after,
    patch: guarded(qube, path, before, operation),
    inverse: inverse(qube, path, before, after),
    reason: 'rollback',
    effect: provider.effect(path, facts),
    calls,
    remarks: [],
  }
}

/** The record owns of the settings rolled back what it owned then. */
function rolledBack(
  text: string | null,
  now: OwnershipRecord | null,
  changes: readonly Change[],
  paths: ReadonlyMap<string, Path>,
  qube: HostQube,
  waits: Waits | null,
): string | null {
  if (changes.length === 0) return text
  const then = (path: string): OwnershipRecord | null => parseFor(qube, paths.get(path)?.record ?? null)
  const base = now ?? changes.map(({ path }) => then(path)).find((record) => record !== null) ?? null
  if (base === null) return text
  const set = new Map(now?.set ?? [])
  const was = new Map(now?.was ?? [])
  for (const { path } of changes) {
    const owned = then(path)?.set.get(path)
    // A value of ours that is about to be replaced is kept until it is.
    const current = now?.set.get(path)
    if (owned === undefined) set.delete(path)
    else set.set(path, owned)
    if (owned !== undefined && current !== undefined) was.set(path, current)
    else was.delete(path)
  }
  const record: OwnershipRecord = { ...base, set, was, waits }
  return isEmptyRecord(record) ? null : formatRecord(record)
}

function parseFor(qube: HostQube, text: string | null): OwnershipRecord | null {
  const reading = parseRecord(text ?? undefined, { name: qube.name, uuid: qube.uuid ?? '' })
  return reading.kind === 'record' ? reading.record : null
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
