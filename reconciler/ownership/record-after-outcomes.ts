import { type Outcome, type QubePlan } from '../plan/index.ts'
import { ownRecord } from './parse-record.ts'
import { formatRecord, isEmptyRecord, type OwnershipRecord, restoreEntry, type Waits } from './record.ts'

/**
 * Settings that the record will own. A change of any other is made before the record gives it up, so that no crash
 * leaves a value of ours that nobody owns; the rest is made after the record has it.
 */
export function ownedAfter(plan: QubePlan, uuid: string): ReadonlySet<string> {
  return new Set(ownRecord(plan.record.after, { name: plan.qube, uuid })?.set.keys() ?? [])
}

/**
 * The record as the plan has it, except that a setting whose change came out in one of `undone` is owned as it was
 * before: a value that is still there is never forgotten, one that is not there is never claimed. Once the qube is
 * `finished`, what changes that were made have replaced is no longer ours.
 */
export function correctedRecord(
  plan: QubePlan,
  uuid: string,
  outcomes: readonly Outcome[],
  undone: readonly Outcome['status'][],
  finished: boolean,
): string | null {
  const stays = ownedAfter(plan, uuid)
  // Of a call that was given up after a time, or not seen to be done, nobody knows: what it sets stays owned, and what
  // it takes away does too.
  const affected = outcomes.filter(({ path, status, error }) =>
    stays.has(path)
      ? undone.includes(status) && error?.code !== 'timeout'
      : undone.includes(status) || status === 'unverified',
  )
  const made = new Set(
    finished ? outcomes.filter(({ status }) => status === 'applied').map(({ path }) => path) : [],
  )
  if (affected.length === 0 && made.size === 0) return plan.record.after
  const old = ownRecord(plan.record.before, { name: plan.qube, uuid })
  const next = ownRecord(plan.record.after, { name: plan.qube, uuid }) ?? old
  if (next === null) return plan.record.after
  const set = new Map(plan.record.after === null ? [] : next.set)
  const originals = new Map(plan.record.after === null ? [] : next.originals)
  const was = new Map(plan.record.after === null ? [] : next.was)
  for (const path of made) was.delete(path)
  for (const { path } of affected) {
    restoreEntry(set, old?.set, path)
    restoreEntry(originals, old?.originals, path)
    restoreEntry(was, old?.was, path)
  }
  const planned = plan.record.after === null ? null : next.waits
  const back = plan.changes.flatMap(({ path, effect }) =>
    effect === 'set-back' && made.has(path) && planned?.paths.includes(path) === true ? [path] : [],
  )
  const failed = new Set(affected.map((outcome) => outcome.path))
  const corrected: OwnershipRecord = {
    ...next,
    set,
    originals,
    was,
    waits: waitsWithout(planned, old?.waits ?? null, failed, new Set(back)),
  }
  if (affected.length === 0 && back.length === 0 && was.size === next.was.size) return plan.record.after
  const isMade = plan.create !== undefined || plan.made === true || (old !== null && isEmptyRecord(old))
  return isEmptyRecord(corrected) && !isMade ? null : formatRecord(corrected)
}

/** What was not changed waits if it did before, and only then; what was set back waits no longer. */
function waitsWithout(
  planned: Waits | null,
  old: Waits | null,
  failed: ReadonlySet<string>,
  back: ReadonlySet<string>,
): Waits | null {
  const start = planned?.start ?? old?.start
  if (start === undefined) return null
  const before = old?.start === start ? old : null
  const made = (planned?.paths ?? []).filter((path) => !failed.has(path) && !back.has(path))
  const paths = [...new Set([...made, ...(before?.paths ?? []).filter((path) => failed.has(path))])].sort()
  if (paths.length === 0) return null
  const from = new Map(
    [...(planned?.from ?? []), ...(before?.from ?? [])].filter(([path]) => paths.includes(path)),
  )
  return { start, paths, from }
}
