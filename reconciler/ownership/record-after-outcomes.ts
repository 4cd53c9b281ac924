import { type Value } from '../../spec/index.ts'
import { type Outcome, type QubePlan } from '../plan/index.ts'
import { ownRecord } from './parse-record.ts'
import {
  type Entries,
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  restorePath,
  sameOwnership,
  type Waits,
} from './record.ts'
import { heldRecord, isReadAnew } from './renames.ts'

/**
 * Settings that the record will own. A change of any other is made before the record gives it up, so that no crash
 * leaves a value of ours that nobody owns; the rest is made after the record has it.
 */
export function ownedAfter(plan: QubePlan, uuid: string): ReadonlySet<string> {
  return new Set(ownRecord(plan.record.after, { name: plan.qube, uuid })?.set.keys() ?? [])
}

/** What decides what a failed change leaves in the record. */
export interface OutcomeContext {
  readonly uuid: string
  readonly outcomes: readonly Outcome[]
  /** `ahead` of values, which are still to come; or once all of it has been tried. */
  readonly when: 'ahead' | 'afterwards'
  /** What the last finished run owned. */
  readonly base: OwnershipRecord | null
  /** The value that is there before the change, as a record has it, where it is one of ours. */
  readonly ours: (path: string, before: Value | null) => { readonly last: Value | null } | undefined
}

/**
 * The record as the plan has it, except for changes that were not made. What is there then is what was there before: where that
 * is a value of ours, it is that which the record owns; where it is not, the setting is owned as the last finished run left it,
 * and not as one that was cut off had meant to. So a value that is there is never forgotten, one that is not there never claimed.
 */
export function recordAfterOutcomes(plan: QubePlan, context: OutcomeContext): string | null {
  const { uuid, outcomes, when, base, ours } = context
  if (outcomes.every(({ status }) => status === 'applied')) return plan.record.after
  const stays = ownedAfter(plan, uuid)
  // Of a call that was given up after a time, or not seen to be done, nobody knows: what it sets stays owned, and what
  // it takes away does too.
  const failed = outcomes.filter(({ path, status, error }) =>
    stays.has(path)
      ? (status === 'failed' && error?.code !== 'timeout') || (status === 'skipped' && when === 'afterwards')
      : status !== 'applied',
  )
  if (failed.length === 0) return plan.record.after
  const qube = { name: plan.qube, uuid }
  const old = heldRecord(plan.record.before, { ...plan, uuid })
  const planned = ownRecord(plan.record.after, qube)
  const next = planned ?? old
  if (next === null) return plan.record.after
  const entries: Entries = {
    set: new Map(planned?.set),
    originals: new Map(planned?.originals),
    once: new Set(planned?.once),
  }
  for (const { path } of failed) {
    const change = plan.changes.find((one) => one.path === path)
    const entry = change === undefined ? undefined : ours(path, change.before)
    // New, though the last finished run had it: a run that was cut off has given it back.
    const finished = change?.reason === 'new' ? null : base
    restorePath(entries, entry === undefined ? finished : old, path)
    if (entry !== undefined) entries.set.set(path, entry.last)
  }
  const waits = waitsWithout(
    planned?.waits ?? null,
    old?.waits ?? null,
    new Set(failed.map(({ path }) => path)),
  )
  const corrected: OwnershipRecord = { ...next, ...entries, waits }
  if (old !== null && !isReadAnew(plan) && sameOwnership(old, corrected)) return plan.record.before
  const isMade = plan.create !== undefined || plan.made === true || (old !== null && isEmptyRecord(old))
  return isEmptyRecord(corrected) && !isMade ? null : formatRecord(corrected)
}

/** What was not changed waits if it did before, and only then. */
function waitsWithout(planned: Waits | null, old: Waits | null, failed: ReadonlySet<string>): Waits | null {
  const start = planned?.start ?? old?.start
  if (start === undefined) return null
  const before = old?.start === start ? old : null
  const made = (planned?.paths ?? []).filter((path) => !failed.has(path))
  const paths = [...new Set([...made, ...(before?.paths ?? []).filter((path) => failed.has(path))])].sort()
  if (paths.length === 0) return null
  const from = new Map(
    [...(planned?.from ?? []), ...(before?.from ?? [])].filter(([path]) => paths.includes(path)),
  )
  return { start, paths, from }
}
