import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { ownedAfter, ownRecord } from '../ownership/index.ts'
import { type Change } from '../plan/index.ts'
import { findCreated, identified } from '../planning/index.ts'
import { creationKey, meansSame, providerOf, sameValue } from '../ports/index.ts'
import { closeReceipt, openReceipt, recordTextAfter, requireProof, writeRecord } from './own-record.ts'
import {
  checkGuard,
  checkGuards,
  fail,
  isToBeCreated,
  noted,
  observe,
  outcomeOf,
  type QubeRun,
  send,
  setOutcome,
  stop,
  uuidOf,
  valueOf,
} from './qube-run.ts'

/**
 * Applies the chosen changes of one qube. `part` leaves the record and the rest for a later call.
 * Fails only with a fatal QstateError; whatever else goes wrong is in the report.
 */
export async function applyQube(
  run: QubeRun,
  chosen: (change: Change) => boolean,
  extent: 'part' | 'rest',
): Promise<void> {
  if (run.report.status === 'failed' || run.report.status === 'stale') return
  const pending = run.plan.changes.filter(
    (change) => chosen(change) && outcomeOf(run, change.path) === 'skipped',
  )
  try {
    if (!(await checkGuards(run, pending)) || !(await requireProof(run))) return
    if (isToBeCreated(run)) {
      await createQube(run)
      if (!(await checkGuards(run, pending))) return
    }
    if (run.plan.remove !== undefined) {
      await removeQube(run)
      return
    }
    await growVolumes(run)
    await openReceipt(run)
    const stays = ownedAfter(run.plan, uuidOf(run))
    const values = pending.filter((change) => stays.has(change.path))
    await makeChanges(
      run,
      pending.filter((change) => !stays.has(change.path)),
    )
    // No value is set that is not recorded. One that is created has its record at once: the run may end before its values come.
    const isAhead = extent === 'rest' || values.length > 0 || run.plan.create !== undefined
    if (isAhead && mayGoOn(run)) await writeRecord(run, recordTextAfter(run, 'ahead'))
    await makeChanges(run, values)
    if (extent === 'part') return
    // Being stopped ends after the call under way: the record written ahead covers whatever has been done.
    if (!run.signal.aborted) await finish(run)
    conclude(run)
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    fail(run, 'failed', error.problem)
    if (error.fatal) throw error
  }
}

const mayGoOn = ({ signal, isStopped }: QubeRun): boolean => !signal.aborted && !isStopped

/** Everything is read once more, and the record says what there is. */
async function finish(run: QubeRun): Promise<void> {
  if (!(await verify(run))) return
  await writeRecord(run, recordTextAfter(run, 'afterwards'))
  // Of a call that was not seen to be done a later run sees: what it replaced is ours until then.
  const isSettled = run.report.outcomes.every(({ status, error }) =>
    status === 'unverified' ? false : error?.code !== 'timeout',
  )
  if (isSettled && run.receipt !== null) await closeReceipt(run)
}

/** Its values are guarded once it is there, like those of any other. */
async function createQube(run: QubeRun): Promise<void> {
  const { plan, receipts } = run
  const key = creationKey(plan.qube)
  // A run that ends before the qube has its record leaves it known that what is there is nobody's.
  await noted(receipts.write(key, { accepted: [null], open: true, was: {}, base: null }))
  for (const call of plan.create?.calls ?? []) await send(run, call, 'create')
  const qube = await findCreated(run.host, plan.qube)
  run.facts = { ...run.facts, qube }
  run.plan = identified(plan, qube.uuid)
}

/** With the record as it was planned for, so that whose it is has just been looked at. qubesd removes no qube that runs. */
async function removeQube(run: QubeRun): Promise<void> {
  const { qube, remove } = run.plan
  for (const call of remove?.calls ?? []) await send(run, call, 'remove')
  if ((await run.host.list()).some(({ name }) => name === qube)) {
    const hint = 'see `journalctl -u qubesd -e` in dom0'
    throw new QstateError(problem('not-kept', `${qube} is still there after it was removed`, hint))
  }
  await noted(run.receipts.remove(uuidOf(run)))
  conclude(run)
}

/** Before the record is written: a qube without one is looked at again by the next run. */
async function growVolumes(run: QubeRun): Promise<void> {
  for (const { name, size, calls } of run.plan.volumes ?? []) {
    if (run.signal.aborted || (await run.host.volumeSize(run.plan.qube, name)) >= size) continue
    for (const call of calls) await send(run, call, `volumes/${name}`)
  }
}

async function makeChanges(run: QubeRun, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (!mayGoOn(run)) return
    await makeChange(run, change)
  }
}

/** Makes one change. A refusal fails the change and the run of the qube goes on; a fatal error ends it. */
async function makeChange(run: QubeRun, change: Change): Promise<void> {
  const withheld = run.withheld(change)
  if (withheld !== null) {
    setOutcome(run, change.path, 'failed', withheld)
    return
  }
  const calls = providerOf(run.providers, change.path).calls({ qube: run.plan.qube, ...change }, run.facts)
  if ('code' in calls) {
    setOutcome(run, change.path, 'failed', calls)
    return
  }
  let sent = 0
  try {
    if (!(await checkGuard(run, change))) return
    for (const call of calls) {
      await send(run, call, change.path)
      sent += 1
    }
    setOutcome(run, change.path, 'applied', null)
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    if (sent > 0) run.halfDone.set(change.path, null)
    setOutcome(run, change.path, 'failed', error.problem)
    if (error.fatal) throw error
  }
}

/**
 * The proof: everything is read once more, the record too. A failed call may still have been done, and a done one undone by
 * others. False: someone else has written the record meanwhile.
 */
async function verify(run: QubeRun): Promise<boolean> {
  const touched = run.plan.changes.filter((change) => outcomeOf(run, change.path) !== 'skipped')
  const seen = await observe(run, touched)
  for (const change of touched) {
    const value = seen.values.get(change.path) ?? { status: 'absent' }
    if (run.halfDone.has(change.path)) run.halfDone.set(change.path, valueOf(value))
    if (value.status === 'unknown') {
      setOutcome(run, change.path, 'unverified', errorOf(run, change.path) ?? value.problem)
    } else if (isDone(run, change, valueOf(value))) {
      setOutcome(run, change.path, 'applied', null)
    } else if (outcomeOf(run, change.path) === 'applied') {
      const message = `read again after the write, it is ${show(valueOf(value))} and not ${show(change.after)}`
      const hint = sameValue(valueOf(value), change.before)
        ? 'someone else set it back at the same time, or the host does not keep it; plan again'
        : 'someone else set it at the same time, or Qubes keeps it in another spelling: if so, write it in the spec as it is now'
      setOutcome(run, change.path, 'failed', { code: 'not-kept', message, hint })
    }
  }
  const { recordText } = seen
  if (recordText.status === 'unknown' || valueOf(recordText) === run.recordText) return true
  stop(run, [{ path: RECORD_FEATURE, planned: run.recordText, found: valueOf(recordText) }])
  return false
}

/** A value that is not one of a spec was there before, and is to be there again to the letter. */
function isDone({ providers, facts }: QubeRun, { path, after }: Change, value: Value | null): boolean {
  const meant = providerOf(providers, path).normalize(path, after, facts)
  return sameValue(meant, after) ? meansSame(providers, path, value, after, facts) : sameValue(value, after)
}

/** Says how the qube came out. */
function conclude(run: QubeRun): void {
  const done = (path: string): boolean => outcomeOf(run, path) === 'applied'
  const complete = run.plan.changes.every((change) => done(change.path)) && !run.isStopped
  const late = run.plan.changes.filter((c) => (done(c.path) ? c.effect === 'next-start' : waitsStill(run, c)))
  const waiting = run.plan.running ? [...new Set([...run.plan.waiting, ...late.map(({ path }) => path)])] : []
  const status = complete
    ? 'applied'
    : run.report.status === 'stale' && !run.report.touched
      ? 'stale'
      : 'failed'
  run.report = { ...run.report, status, waiting }
}

/** What has not been changed waits if the value that is there does. */
function waitsStill(run: QubeRun, { path, before }: Change): boolean {
  const waits = ownRecord(run.recordText, { name: run.plan.qube, uuid: uuidOf(run) })?.waits
  const began = waits?.from.get(path)
  return waits?.paths.includes(path) === true && !(began !== undefined && sameValue(began, before))
}

const errorOf = (run: QubeRun, path: string): ReturnType<typeof problem> | null =>
  run.report.outcomes.find((outcome) => outcome.path === path)?.error ?? null

const show = (value: Value | null): string => (value === null ? 'not set' : JSON.stringify(value))
