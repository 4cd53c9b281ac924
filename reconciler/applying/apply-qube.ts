import { located, problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { observePaths } from '../observe/index.ts'
import { correctedRecord, ownedAfter, ownRecord, waitsAhead, recordCall } from '../ownership/index.ts'
import {
  type Change,
  failedGuards,
  needsApply,
  type Outcome,
  pointerOf,
  type QubePlan,
  type QubeReport,
} from '../plan/index.ts'
import { findCreated, identified } from '../planning/index.ts'
import {
  type Host,
  type HostCall,
  meansSame,
  type Observation,
  providerOf,
  type Providers,
  type QubeFacts,
  sameValue,
} from '../ports/index.ts'
import { type Journal } from './journal.ts'

/** One qube's way through an apply. `report` is replaced as things happen. */
export interface QubeRun {
  /** Of a qube that is created, with its UUID from then on. */
  plan: QubePlan
  facts: QubeFacts
  /** Why the plan is not for this qube: it is not there any more, or another has taken its name. */
  readonly mismatch: string | null
  readonly host: Host
  readonly providers: Providers
  readonly journal: Journal
  readonly signal: AbortSignal
  /** Why a change must not be made after all: what it needs was not given up by another qube. */
  withheld(change: Change): Problem | null
  report: QubeReport
  /** The record as it stands on the qube. */
  recordText: string | null
}

export function startReport(plan: QubePlan): QubeReport {
  const status = needsApply(plan) ? 'skipped' : plan.blocked.length > 0 ? 'blocked' : 'unchanged'
  const outcomes = plan.changes.map((change): Outcome => ({
    path: change.path,
    status: 'skipped',
    error: null,
  }))
  return {
    qube: plan.qube,
    status,
    outcomes,
    stale: [],
    error: null,
    writes: 0,
    touched: false,
    waiting: plan.waiting,
  }
}

/**
 * Reads again what the plan is about to change, with the record, and compares. A difference makes the qube `stale`,
 * and nothing of it is written. Returns whether the way is free.
 */
export async function checkGuards(
  run: QubeRun,
  changes: readonly Change[] = run.plan.changes,
): Promise<boolean> {
  const { plan, facts } = run
  const mismatch = run.mismatch
  if (mismatch !== null) {
    fail(run, 'stale', { code: 'unknown-qube', message: mismatch, hint: 'make a new plan' })
    return false
  }
  if (isToBeCreated(run)) return true
  const seen = await observePaths(
    run.host,
    run.providers,
    facts,
    changes.map((change) => change.path),
  )
  const unknown = [...seen.values.values(), seen.recordText].find((value) => value.status === 'unknown')
  if (unknown?.status === 'unknown') {
    fail(run, 'failed', unknown.problem)
    return false
  }
  const found = new Map([...seen.values].map(([path, value]) => [path, valueOf(value)]))
  const failed = failedGuards(
    plan.qube,
    found,
    changes.flatMap((change) => change.patch),
    (path, a, b) => meansSame(run.providers, path, a, b, facts),
  )
  const stale = changes
    .filter((change) => failed.includes(pointerOf(plan.qube, change.path)))
    .map((change) => ({ path: change.path, planned: change.before, found: found.get(change.path) ?? null }))
  const record = valueOf(seen.recordText)
  const recordText = typeof record === 'string' ? record : null
  if (recordText !== run.recordText) {
    stale.push({ path: RECORD_FEATURE, planned: run.recordText, found: recordText })
  }
  if (stale.length === 0) return true
  run.report = { ...run.report, status: run.report.touched ? 'failed' : 'stale', stale }
  return false
}

/** What is not there has no values to compare. */
const isToBeCreated = ({ plan }: QubeRun): boolean => plan.create !== undefined && plan.uuid === null

export const notPlannedFor = (qube: string): string => `${qube} is not the qube that was planned for`

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
    if (!(await checkGuards(run, pending))) return
    if (isToBeCreated(run)) {
      await createQube(run)
      if (!(await checkGuards(run, pending))) return
    }
    if (run.plan.remove !== undefined) {
      await removeQube(run)
      return
    }
    await growVolumes(run)
    const stays = ownedAfter(run.plan, uuidOf(run))
    const first = pending.filter((change) => extent === 'part' || !stays.has(change.path))
    if (!run.signal.aborted) await writeRecord(run, waitsAhead(run.plan, uuidOf(run)) ?? run.recordText)
    await makeChanges(run, first)
    // One that is created has its record at once: the run may end before its values come.
    if (extent === 'part' && run.plan.create === undefined) return
    if (!run.signal.aborted) await writeRecord(run, recordText(run, ['failed'], false))
    if (extent === 'part') return
    await makeChanges(
      run,
      pending.filter((change) => !first.includes(change)),
    )
    // Being stopped ends after the call under way: the record written ahead covers whatever has been done.
    if (!run.signal.aborted) {
      await verify(run)
      await writeRecord(run, recordText(run, ['failed', 'skipped'], true))
    }
    conclude(run)
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    fail(run, 'failed', error.problem)
    if (error.fatal) throw error
  }
}

/** Its values are guarded once it is there, like those of any other. */
async function createQube(run: QubeRun): Promise<void> {
  for (const call of run.plan.create?.calls ?? []) await send(run, call, 'create')
  const qube = await findCreated(run.host, run.plan.qube)
  run.facts = { ...run.facts, qube }
  run.plan = identified(run.plan, qube.uuid)
}

/** With the record as it was planned for, so that whose it is has just been looked at. qubesd removes no qube that runs. */
async function removeQube(run: QubeRun): Promise<void> {
  const { qube, remove } = run.plan
  for (const call of remove?.calls ?? []) await send(run, call, 'remove')
  if ((await run.host.list()).some(({ name }) => name === qube)) {
    const hint = 'see `journalctl -u qubesd -e` in dom0'
    throw new QstateError(problem('not-kept', `${qube} is still there after it was removed`, hint))
  }
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
    if (run.signal.aborted) return
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
  try {
    for (const call of calls) await send(run, call, change.path)
    setOutcome(run, change.path, 'applied', null)
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    setOutcome(run, change.path, 'failed', error.problem)
    if (error.fatal) throw error
  }
}

async function writeRecord(run: QubeRun, text: string | null): Promise<void> {
  if (text === run.recordText) return
  await send(run, recordCall(run.plan.qube, text), RECORD_FEATURE)
  run.recordText = text
}

async function send(run: QubeRun, call: HostCall, what: string): Promise<void> {
  await note(run, what, 'before')
  run.report = { ...run.report, touched: true }
  await run.host.write(call)
  run.report = { ...run.report, writes: run.report.writes + 1 }
  await note(run, what, 'after')
}

/** What cannot be noted is not done: a journal that fails ends the run. */
async function note(run: QubeRun, what: string, phase: 'before' | 'after'): Promise<void> {
  try {
    await run.journal.write(run.plan.qube, what, phase)
  } catch (error) {
    throw journalFailure(error)
  }
}

export function journalFailure(error: unknown): QstateError {
  const why = error instanceof Error ? error.message : String(error)
  const hint = 'see to the disk that it is on, then run this again: it goes on from what is there'
  return new QstateError(problem('journal', `the journal cannot be written: ${why}`, hint), { cause: error })
}

const uuidOf = ({ plan, facts }: QubeRun): string => facts.qube.uuid ?? plan.uuid ?? ''

const recordText = (run: QubeRun, undone: readonly Outcome['status'][], finished: boolean): string | null =>
  correctedRecord(run.plan, uuidOf(run), run.report.outcomes, undone, finished)

/** The proof: everything is read once more. A failed call may still have been done, and a done one undone by others. */
async function verify(run: QubeRun): Promise<void> {
  const { plan } = run
  const touched = plan.changes.filter((change) => outcomeOf(run, change.path) !== 'skipped')
  const seen = await observePaths(
    run.host,
    run.providers,
    run.facts,
    touched.map((change) => change.path),
  )
  for (const change of touched) {
    const value = seen.values.get(change.path) ?? { status: 'absent' }
    if (value.status === 'unknown') {
      setOutcome(run, change.path, 'unverified', errorOf(run, change.path) ?? value.problem)
    } else if (meansSame(run.providers, change.path, valueOf(value), change.after, run.facts)) {
      setOutcome(run, change.path, 'applied', null)
    } else if (outcomeOf(run, change.path) === 'applied') {
      const message = `read again after the write, it is ${show(valueOf(value))} and not ${show(change.after)}`
      const hint = sameValue(valueOf(value), change.before)
        ? 'someone else set it back at the same time, or the host does not keep it; plan again'
        : 'someone else set it at the same time, or Qubes keeps it in another spelling: if so, write it in the spec as it is now'
      setOutcome(run, change.path, 'failed', { code: 'not-kept', message, hint })
    }
  }
}

/** Says how the qube came out. */
function conclude(run: QubeRun): void {
  const done = (path: string): boolean => outcomeOf(run, path) === 'applied'
  const complete = run.plan.changes.every((change) => done(change.path))
  const late = run.plan.changes.filter((c) => (done(c.path) ? c.effect === 'next-start' : waitsStill(run, c)))
  const waiting = run.plan.running ? [...new Set([...run.plan.waiting, ...late.map(({ path }) => path)])] : []
  run.report = { ...run.report, status: complete ? 'applied' : 'failed', waiting }
}

/** What has not been changed waits if the value that is there does. */
function waitsStill(run: QubeRun, { path, before }: Change): boolean {
  const waits = ownRecord(run.recordText, { name: run.plan.qube, uuid: uuidOf(run) })?.waits
  const began = waits?.from.get(path)
  return waits?.paths.includes(path) === true && !(began !== undefined && sameValue(began, before))
}

const valueOf = <T>(value: Observation<T>): T | null => (value.status === 'present' ? value.value : null)

const outcomeOf = (run: QubeRun, path: string): Outcome['status'] =>
  run.report.outcomes.find((outcome) => outcome.path === path)?.status ?? 'skipped'

const errorOf = (run: QubeRun, path: string): Problem | null =>
  run.report.outcomes.find((outcome) => outcome.path === path)?.error ?? null

function setOutcome(run: QubeRun, path: string, status: Outcome['status'], error: Problem | null): void {
  const at = run.plan.changes.find((change) => change.path === path)?.at
  const told = error === null ? null : located(error, at)
  const outcomes = run.report.outcomes.map((o) => (o.path === path ? { path, status, error: told } : o))
  run.report = { ...run.report, outcomes }
}

function fail(run: QubeRun, status: 'failed' | 'stale', error: Problem): void {
  run.report = { ...run.report, status, error }
}

const show = (value: Value | null): string => (value === null ? 'not set' : JSON.stringify(value))
