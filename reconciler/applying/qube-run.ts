import { type Code, located, problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { observePaths } from '../observe/index.ts'
import {
  type Change,
  guardsHold,
  needsApply,
  type Outcome,
  type QubePlan,
  type QubeReport,
} from '../plan/index.ts'
import {
  type Host,
  type HostCall,
  meansSame,
  type Observation,
  type Providers,
  type QubeFacts,
  type Receipt,
  type Receipts,
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
  readonly receipts: Receipts
  readonly signal: AbortSignal
  /** Why a change must not be made after all: what it needs was not given up by another qube. */
  withheld(change: Change): Problem | null
  report: QubeReport
  /** The record as it stands on the qube. */
  recordText: string | null
  /** What is kept of this run until it has come to its end; null: it has not begun, or has ended. */
  receipt: Receipt | null
  /** What changes of several calls have left that were not made to their end: it is ours. */
  readonly halfDone: Map<string, Value | null>
  /** Something is not as planned: nothing more is written but what the record has to say of it. */
  isStopped: boolean
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
    unanswered: 0,
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
  const { mismatch } = run
  if (mismatch !== null) {
    fail(run, 'stale', { code: 'unknown-qube', message: mismatch, hint: 'make a new plan' })
    return false
  }
  if (isToBeCreated(run)) return true
  const seen = await observe(run, changes)
  const unknown = [...seen.values.values(), seen.recordText].find((value) => value.status === 'unknown')
  if (unknown?.status === 'unknown') {
    fail(run, 'failed', unknown.problem)
    return false
  }
  const stale = staleOf(run, changes, seen.values)
  const record = valueOf(seen.recordText)
  if (record !== run.recordText) stale.push({ path: RECORD_FEATURE, planned: run.recordText, found: record })
  if (stale.length === 0) return true
  stop(run, stale)
  return false
}

/** Reads one setting again right before it is written, and the record. A refusal to read them is thrown. */
export async function checkGuard(run: QubeRun, change: Change): Promise<boolean> {
  const { values, recordText } = await observe(run, [change])
  for (const value of [values.get(change.path), recordText])
    if (value?.status === 'unknown') throw new QstateError(value.problem)
  const stale = staleOf(run, [change], values)
  const record = valueOf(recordText)
  if (record !== run.recordText) stale.push({ path: RECORD_FEATURE, planned: run.recordText, found: record })
  if (stale.length > 0) stop(run, stale)
  return stale.length === 0
}

export const observe = (
  { host, providers, facts }: QubeRun,
  changes: readonly Change[],
): ReturnType<typeof observePaths> =>
  observePaths(
    host,
    providers,
    facts,
    changes.map(({ path }) => path),
  )

function staleOf(
  { providers, facts }: QubeRun,
  changes: readonly Change[],
  values: ReadonlyMap<string, Observation<Value>>,
): QubeReport['stale'][number][] {
  return changes.flatMap(({ path, before, patch }) => {
    const found = valueOf(values.get(path) ?? { status: 'absent' })
    const holds = guardsHold(patch, (value) => meansSame(providers, path, found, value, facts))
    return holds ? [] : [{ path, planned: before, found }]
  })
}

/** The host is not as planned. */
export function stop(run: QubeRun, stale: QubeReport['stale']): void {
  run.isStopped = true
  run.report = { ...run.report, status: run.report.touched ? 'failed' : 'stale', stale }
}

/** What is not there has no values to compare. */
export const isToBeCreated = ({ plan }: QubeRun): boolean => plan.create !== undefined && plan.uuid === null

const NO_ANSWER: ReadonlySet<Code> = new Set(['aborted', 'daemon-unreachable', 'malformed-answer', 'timeout'])

/** A call that failed like this may have been done. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof QstateError && NO_ANSWER.has(error.problem.code)

export async function send(run: QubeRun, call: HostCall, what: string): Promise<void> {
  await note(run, what, 'before')
  if (!run.report.touched) run.report = { ...run.report, touched: true }
  try {
    await run.host.write(call)
  } catch (error) {
    if (isUnanswered(error)) run.report = { ...run.report, unanswered: run.report.unanswered + 1 }
    throw error
  }
  run.report = { ...run.report, writes: run.report.writes + 1 }
  await note(run, what, 'after')
}

/** What cannot be noted is not done: a journal that fails ends the run. */
async function note(run: QubeRun, what: string, phase: 'before' | 'after'): Promise<void> {
  await noted(run.journal.write(run.plan.qube, what, phase))
}

/** What is written on this machine's disk. */
export async function noted<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (error) {
    throw journalFailure(error)
  }
}

export function journalFailure(error: unknown): QstateError {
  const why = error instanceof Error ? error.message : String(error)
  const hint = 'see to the disk that it is on, then run this again: it goes on from what is there'
  return new QstateError(problem('journal', `the journal cannot be written: ${why}`, hint), { cause: error })
}

export const uuidOf = ({ plan, facts }: QubeRun): string => facts.qube.uuid ?? plan.uuid ?? ''

export const valueOf = <T>(value: Observation<T>): T | null =>
  value.status === 'present' ? value.value : null

export const outcomeOf = (run: QubeRun, path: string): Outcome['status'] =>
  run.report.outcomes.find((outcome) => outcome.path === path)?.status ?? 'skipped'

export function setOutcome(
  run: QubeRun,
  path: string,
  status: Outcome['status'],
  error: Problem | null,
): void {
  const at = run.plan.changes.find((change) => change.path === path)?.at
  const told = error === null ? null : located(error, at)
  const outcomes = run.report.outcomes.map((o) => (o.path === path ? { path, status, error: told } : o))
  run.report = { ...run.report, outcomes }
}

export function fail(run: QubeRun, status: 'failed' | 'stale', error: Problem): void {
  run.report = { ...run.report, status, error }
}
