import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE, type Value } from '../../spec/index.ts'
import {
  formatRecord,
  heldRecord,
  isReadAnew,
  type OwnershipRecord,
  recordAfterOutcomes,
  recordCall,
  renamedFormer,
  unproven,
} from '../ownership/index.ts'
import { creationKey, meansSame, NO_NEEDS, providerOf, type Receipt, sameValue } from '../ports/index.ts'
import { fail, noted, type QubeRun, send, stop, uuidOf, valueOf } from './qube-run.ts'

/**
 * The record of one qube and the receipt that proves it, in this order: the receipt, which accepts the record that is there and
 * the one to be; withdrawals; the record; the receipt, which accepts that one only; values; and the receipt, closed. Whatever is cut
 * off where, the next run finds a record that is proven, and knows each value that is ours.
 */

/** Why the record that is there is not to be gone by, though the plan was made of it. */
export async function requireProof(run: QubeRun): Promise<boolean> {
  const { plan, receipts, recordText } = run
  const { movedFrom, takesOver = false } = plan
  const record = recordIn(run, recordText)
  if (record === null || (record.version === 1 && movedFrom === undefined) || takesOver) return true
  for (const uuid of [uuidOf(run), movedFrom?.uuid]) {
    const receipt = uuid === undefined ? undefined : await noted(receipts.read(uuid))
    if (receipt?.accepted.includes(recordText) === true) return true
  }
  fail(run, 'stale', unproven(plan.qube, record))
  return false
}

/** Before the first write. What an unfinished run replaced is ours still. */
export async function openReceipt(run: QubeRun): Promise<void> {
  const { plan, receipts, recordText } = run
  if (run.receipt !== null || (plan.changes.length === 0 && plan.record.before === plan.record.after)) return
  const last = await lastReceipt(run)
  const unfinished = last?.open === true && last.accepted.includes(written(run)) ? last : undefined
  const record = recordIn(run, recordText)
  const was: Record<string, readonly (Value | null)[]> = { ...renamedFormer(unfinished?.was, plan.renames) }
  for (const { path, before, calls } of plan.changes) {
    if (oursIn(run, record, unfinished, path, before) === undefined) continue
    // Between two calls, of a device that gets its options back, there is nothing.
    was[path] = calls.length > 1 ? [before, null] : [before]
  }
  const matched = plan.matched ?? last?.matched ?? []
  if (!sameValue(matched, last?.matched ?? [])) await noted(receipts.setMatched(null))
  await keep(run, {
    accepted: [...new Set([written(run), plan.record.after])],
    open: true,
    was,
    base: baseText(run, unfinished === undefined ? recordText : unfinished.base),
    ...(matched.length === 0 ? {} : { matched }),
  })
}

/**
 * The receipt that there is. That of the qube whose entries pass over becomes the receipt of this one, at one stroke: from then on no
 * other clone can be proven by it, and at no moment none can.
 */
async function lastReceipt(run: QubeRun): Promise<Receipt | undefined> {
  const { plan, receipts, recordText } = run
  const uuid = uuidOf(run)
  const own = await noted(receipts.read(uuid))
  if (plan.movedFrom === undefined || own?.accepted.includes(recordText) === true) return own
  await noted(receipts.move(plan.movedFrom.uuid, uuid))
  return noted(receipts.read(uuid))
}

/** What is on the qube, as its receipt has it: the record of another qube, as on a clone, is none. */
const written = (run: QubeRun): string | null =>
  recordIn(run, run.recordText) === null ? null : run.recordText

/** A record as the last finished run left it, as one of this qube and with the names that qubes have now. */
function baseText(run: QubeRun, text: string | null): string | null {
  const record = isReadAnew(run.plan) ? recordIn(run, text) : null
  return record === null ? text : formatRecord({ ...record, version: 2 })
}

const recordIn = (run: QubeRun, text: string | null): OwnershipRecord | null =>
  heldRecord(text, { ...run.plan, uuid: uuidOf(run) })

/** Puts a record on the qube, if it is as it was last seen there, and sees that it stays. */
export async function writeRecord(run: QubeRun, text: string | null): Promise<void> {
  if (text === run.recordText) return
  const there = await readRecord(run)
  if (there !== run.recordText) {
    stop(run, [{ path: RECORD_FEATURE, planned: run.recordText, found: there }])
    return
  }
  const { receipt } = run
  if (receipt !== null && !receipt.accepted.includes(text))
    await keep(run, { ...receipt, accepted: [written(run), text] })
  await send(run, recordCall(run.plan.qube, text), RECORD_FEATURE)
  if ((await readRecord(run)) !== text) {
    const hint = 'someone else wrote it at the same time, or the host does not keep it; plan again'
    const message = 'read again after the write, the ownership record is another'
    throw new QstateError(problem('not-kept', message, hint))
  }
  run.recordText = text
  if (run.receipt !== null) await keep(run, { ...run.receipt, accepted: [text] }, true)
  if (run.plan.record.before === null) await noted(run.receipts.remove(creationKey(run.plan.qube)))
}

/** The run has come to its end: from now on a value is ours only if the record says so. */
export async function closeReceipt(run: QubeRun): Promise<void> {
  const { plan, recordText, receipts } = run
  const matched = plan.matched ?? run.receipt?.matched ?? []
  const noting = matched.length === 0 ? {} : { matched }
  if (recordText === null) await noted(receipts.remove(uuidOf(run)))
  else {
    const closed = { accepted: [recordText], open: false, was: {}, base: recordText, ...noting }
    // Where this run has opened none, a person may take over a record that was not accepted before.
    await keep(run, closed, run.receipt !== null)
  }
  run.receipt = null
}

/** Nothing is left to write on the qube, and what is there is accepted: of a run that was cut off, or as a person takes it over. */
export async function closeUnfinished(run: QubeRun): Promise<void> {
  const isSame = run.mismatch === null && (await readRecord(run)) === run.recordText
  if (!isSame) return
  if (run.plan.matched !== undefined) await noted(run.receipts.setMatched(null))
  await closeReceipt(run)
}

/** The record as the plan has it, but for changes that were not made. */
export function recordTextAfter(run: QubeRun, when: 'ahead' | 'afterwards'): string | null {
  const { plan, receipt, report } = run
  const record = recordIn(run, plan.record.before)
  return recordAfterOutcomes(plan, {
    uuid: uuidOf(run),
    outcomes: report.outcomes,
    when,
    base: recordIn(run, receipt?.base ?? null),
    ours(path, before) {
      const left = run.halfDone.get(path)
      return oursIn(run, record, receipt ?? undefined, path, left === undefined ? before : left)
    },
  })
}

/** A value that is there, as a record has it, if it is one of ours. */
function oursIn(
  { providers, facts }: QubeRun,
  record: OwnershipRecord | null,
  receipt: Receipt | undefined,
  path: string,
  value: Value | null,
): { readonly last: Value | null } | undefined {
  const last = record?.set.get(path)
  if (last === undefined) return undefined
  const isOurs = [last, ...(receipt?.was[path] ?? [])].some((one) =>
    meansSame(providers, path, one, value, facts),
  )
  return isOurs ? { last: providerOf(providers, path).normalize(path, value, facts) } : undefined
}

async function keep(run: QubeRun, receipt: Receipt, narrows = false): Promise<void> {
  const named = { ...receipt, qube: run.plan.qube }
  await noted(run.receipts.write(uuidOf(run), named, narrows))
  run.receipt = named
}

async function readRecord({ host, plan }: QubeRun): Promise<string | null> {
  const seen = (await host.read(plan.qube, { ...NO_NEEDS, features: [RECORD_FEATURE] })).feature(
    RECORD_FEATURE,
  )
  if (seen.status === 'unknown') throw new QstateError(seen.problem)
  return valueOf(seen)
}
