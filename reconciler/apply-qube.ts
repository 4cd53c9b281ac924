import { RECORD_FEATURE, type Value } from '../spec/index.ts'
import { type Host, HostError, type HostCall, type Observation } from './host.ts'
import { type Journal } from './journal.ts'
import { observePaths } from './observe.ts'
import { failedGuards, pointerOf } from './patch.ts'
import { type Change, needsApply, type QubePlan } from './plan.ts'
import { providerOf, type Providers, type QubeFacts } from './provider.ts'
import { formatRecord, isEmptyRecord, type OwnershipRecord, parseRecord, type Waits } from './record.ts'
import { type Failure, type Outcome, type QubeReport } from './report.ts'

/** One qube's way through an apply. `report` is replaced as things happen. */
export interface QubeRun {
  readonly plan: QubePlan
  readonly facts: QubeFacts
  /** The qube is not there any more, or another has taken its name. */
  readonly gone: boolean
  readonly host: Host
  readonly providers: Providers
  readonly journal: Journal
  readonly signal: AbortSignal
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
  return { qube: plan.qube, status, outcomes, stale: [], error: null, writes: 0, waiting: plan.waiting }
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
  if (run.gone) {
    const hint = 'make a new plan'
    fail(run, 'failed', {
      code: 'unknown-qube',
      message: `${plan.qube} is not the qube that was planned for`,
      hint,
    })
    return false
  }
  const seen = await observePaths(
    run.host,
    run.providers,
    facts,
    changes.map((change) => change.path),
  )
  const unknown = [...seen.values.values(), seen.recordText].find((value) => value.status === 'unknown')
  if (unknown?.status === 'unknown') {
    fail(run, 'failed', { code: 'unreadable', message: unknown.why, hint: unknown.hint })
    return false
  }
  const found = new Map([...seen.values].map(([path, value]) => [path, valueOf(value)]))
  const failed = failedGuards(
    plan.qube,
    found,
    changes.flatMap((change) => change.patch),
  )
  const stale = changes
    .filter((change) => failed.includes(pointerOf(plan.qube, change.path)))
    .map((change) => ({ path: change.path, planned: change.before, found: found.get(change.path) ?? null }))
  const record = valueOf(seen.recordText)
  const recordText = typeof record === 'string' ? record : null
  const expected = run.report.writes === 0 ? plan.record.before : recordText
  if (recordText !== expected) {
    stale.push({ path: RECORD_FEATURE, planned: expected, found: recordText })
  }
  if (stale.length === 0) return true
  run.report = { ...run.report, status: run.report.writes > 0 ? 'failed' : 'stale', stale }
  return false
}

/**
 * Applies the chosen changes of one qube. `part` leaves the record and the rest for a later call.
 * Fails only with a fatal HostError; whatever else goes wrong is in the report.
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
    const stays = ownedAfter(run)
    const first = pending.filter((change) => extent === 'part' || !stays.has(change.path))
    for (const change of first) await makeChange(run, change)
    if (extent === 'part') return
    await writeRecord(run, recordText(run, ['failed']))
    for (const change of pending.filter((c) => !first.includes(c))) {
      if (run.signal.aborted) break
      await makeChange(run, change)
    }
    if (!run.signal.aborted) await verify(run)
    await writeRecord(run, recordText(run, ['failed', 'skipped']))
    conclude(run)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    fail(run, 'failed', failureOf(error))
    if (error.fatal) throw error
  }
}

/**
 * Settings that the record will own. A change of any other is made before the record gives it up, so that no crash
 * leaves a value of ours that nobody owns; the rest is made after the record has it.
 */
function ownedAfter(run: QubeRun): ReadonlySet<string> {
  const { plan, facts } = run
  const identity = { name: plan.qube, uuid: facts.qube.uuid ?? plan.uuid ?? '' }
  const reading = parseRecord(plan.record.after ?? undefined, identity)
  return new Set(reading.kind === 'record' ? reading.record.set.keys() : [])
}

/** Makes one change. A refusal fails the change and the run of the qube goes on; a fatal error ends it. */
async function makeChange(run: QubeRun, change: Change): Promise<void> {
  const calls = providerOf(run.providers, change.path).calls({ qube: run.plan.qube, ...change }, run.facts)
  if ('refused' in calls) {
    setOutcome(run, change.path, 'failed', { code: 'not-possible', message: calls.refused, hint: calls.hint })
    return
  }
  try {
    for (const call of calls) await send(run, call, change.path)
    setOutcome(run, change.path, 'applied', null)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    setOutcome(run, change.path, 'failed', failureOf(error))
    if (error.fatal) throw error
  }
}

async function writeRecord(run: QubeRun, text: string | null): Promise<void> {
  if (text === run.recordText) return
  const dest = run.plan.qube
  const call: HostCall =
    text === null
      ? { dest, method: 'admin.vm.feature.Remove', arg: RECORD_FEATURE, payload: '' }
      : { dest, method: 'admin.vm.feature.Set', arg: RECORD_FEATURE, payload: text }
  await send(run, call, RECORD_FEATURE)
  run.recordText = text
}

async function send(run: QubeRun, call: HostCall, what: string): Promise<void> {
  await run.journal.write(run.plan.qube, what, 'before')
  run.report = { ...run.report, writes: run.report.writes + 1 }
  await run.host.write(call)
  await run.journal.write(run.plan.qube, what, 'after')
}

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
      setOutcome(run, change.path, 'unverified', { code: 'unreadable', message: value.why, hint: value.hint })
    } else if (JSON.stringify(valueOf(value)) === JSON.stringify(change.after)) {
      setOutcome(run, change.path, 'applied', null)
    } else if (outcomeOf(run, change.path) === 'applied') {
      const message = `read again after the write, it is ${show(valueOf(value))} and not ${show(change.after)}`
      const hint = 'someone else set it at the same time, or the host does not keep it; plan again'
      setOutcome(run, change.path, 'failed', { code: 'not-kept', message, hint })
    }
  }
}

/** Says how the qube came out. */
function conclude(run: QubeRun): void {
  const done = (path: string): boolean => outcomeOf(run, path) === 'applied'
  const complete = run.plan.changes.every((change) => done(change.path))
  const late = run.plan.changes.filter((c) => c.effect === 'next-start' && done(c.path)).map((c) => c.path)
  const waiting = run.plan.running ? [...new Set([...run.plan.waiting, ...late])] : []
  run.report = { ...run.report, status: complete ? 'applied' : 'failed', waiting }
}

/**
 * The record as the plan has it, except that a setting whose change came out in one of `undone` is owned as it was
 * before: a value that is still there is never forgotten, one that is not there is never claimed.
 */
function recordText(run: QubeRun, undone: readonly Outcome['status'][]): string | null {
  const { plan, facts } = run
  const affected = run.report.outcomes.filter((outcome) => undone.includes(outcome.status))
  if (affected.length === 0) return plan.record.after
  const identity = { name: plan.qube, uuid: facts.qube.uuid ?? plan.uuid ?? '' }
  const parse = (text: string | null): OwnershipRecord | null => {
    const reading = parseRecord(text ?? undefined, identity)
    return reading.kind === 'record' ? reading.record : null
  }
  const old = parse(plan.record.before)
  const next = parse(plan.record.after) ?? old
  if (next === null) return plan.record.after
  const set = new Map(plan.record.after === null ? [] : next.set)
  const was = new Map(plan.record.after === null ? [] : next.was)
  for (const { path } of affected) {
    restore(set, old?.set, path)
    restore(was, old?.was, path)
  }
  const failed = new Set(affected.map((outcome) => outcome.path))
  const corrected: OwnershipRecord = {
    ...next,
    set,
    was,
    waits: withoutPaths(next.waits, old?.waits ?? null, failed),
  }
  return isEmptyRecord(corrected) ? null : formatRecord(corrected)
}

/** A change that was not made does not wait, unless it did before. */
function withoutPaths(waits: Waits | null, old: Waits | null, failed: ReadonlySet<string>): Waits | null {
  if (waits === null) return null
  const before = old?.start === waits.start ? old.paths : []
  const paths = waits.paths.filter((path) => !failed.has(path) || before.includes(path))
  return paths.length === 0 ? null : { start: waits.start, paths }
}

function restore(
  into: Map<string, Value | null>,
  from: ReadonlyMap<string, Value | null> | undefined,
  path: string,
): void {
  const value = from?.get(path)
  if (value === undefined) into.delete(path)
  else into.set(path, value)
}

const valueOf = <T>(value: Observation<T>): T | null => (value.status === 'present' ? value.value : null)

const outcomeOf = (run: QubeRun, path: string): Outcome['status'] =>
  run.report.outcomes.find((outcome) => outcome.path === path)?.status ?? 'skipped'

function setOutcome(run: QubeRun, path: string, status: Outcome['status'], error: Failure | null): void {
  const outcomes = run.report.outcomes.map((o) => (o.path === path ? { path, status, error } : o))
  run.report = { ...run.report, outcomes }
}

function fail(run: QubeRun, status: 'failed', error: Failure): void {
  run.report = { ...run.report, status, error }
}

const failureOf = (error: HostError): Failure => ({
  code: error.code,
  message: error.message,
  hint: error.hint,
})

const show = (value: Value | null): string => (value === null ? 'not set' : JSON.stringify(value))
