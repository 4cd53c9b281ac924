import { claimMark, finishRevert, type Mark, readMark, writeMark } from '../../journal/index.ts'
import { failureOf, type Plan, planIsEmpty, type Report } from '../../reconciler/index.ts'
import { domainOf, problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type Connection, listManaged } from '../host/index.ts'
import { type Afterwards, runAfterwards } from './afterwards.ts'
import { secondsLeft, unconfirmed } from './confirmation.ts'
import { type Applied, executePlan, PARALLELISM } from './execute.ts'
import { type LockedRun, withLock } from './lock.ts'
import { type RestartOptions, withRestarts } from './restarts.ts'
import { type RevertCommand, startTimer } from './revert-timer.ts'
import { planRollback, rollbackScope, tablesOfScope } from './rollback.ts'

/** An apply that was not confirmed, and what came of taking it back. */
export interface Reverted extends Afterwards {
  readonly generation: number
  readonly plan: Plan
  readonly applied: Applied
  /** What is left of it; null: nothing that can be taken back. */
  readonly unfinished: Problem | null
}

/** How long a qube that the apply restarted may take to shut down, and again to be ready. */
const RESTART_MS = 900_000

/** Takes back an apply whose time is over; null where none is. The caller holds the lock. */
export async function revertOverdue(
  connection: Connection,
  run: LockedRun,
  context: Context,
): Promise<Reverted | null> {
  const mark = await readMark(connection.stateFolder)
  if (mark === null || (await secondsLeft(mark)) > 0) return null
  return revert(mark, connection, run, context)
}

/**
 * What the timer of an apply, or a boot, runs: takes back that generation, or whichever is overdue. Where the apply has moved its time
 * since, the timer is started anew. Null: nothing is to be taken back now. Waits for the lock for as long as it takes.
 */
export function revertUnconfirmed(
  generation: number | null,
  connection: Connection,
  command: RevertCommand,
  context: Context,
): Promise<Reverted | null> {
  const { stateFolder } = connection
  return withLock(stateFolder, Infinity, context, async (run) => {
    const mark = await readMark(stateFolder)
    if (mark === null || (generation !== null && mark.content.generation !== generation)) return null
    const left = await secondsLeft(mark)
    if (left === 0) return revert(mark, connection, run, context)
    // The unit of the timer that has just elapsed is this process.
    const unit = `qstate-revert-${mark.content.generation}-${process.pid}`
    await startTimer(unit, Math.ceil(left), command(mark.content.generation))
    await writeMark(stateFolder, { ...mark.content, unit })
    return null
  })
}

/**
 * What every run on the host does first, with the lock held: takes back what is overdue. Fails where an apply still waits to be
 * confirmed.
 */
export async function requireConfirmed(
  connection: Connection,
  run: LockedRun,
  context: Context,
): Promise<void> {
  const reverted = await revertOverdue(connection, run, context)
  if (reverted === null) {
    const mark = await readMark(connection.stateFolder)
    if (mark === null) return
    throw new QstateError(unconfirmed(mark.content, await secondsLeft(mark), context.now()))
  }
  if (reverted.unfinished !== null) throw new QstateError(reverted.unfinished)
  context.warn(takenBack(reverted))
}

export const takenBack = ({ generation }: Pick<Reverted, 'generation'>): Problem => {
  const message = `generation ${generation} was not confirmed in time, and has been taken back`
  return problem(
    'not-confirmed',
    message,
    '`qstate history` lists it; apply it again, with --confirm or without',
  )
}

/** A rollback like any other, with its guards: what someone else has changed in that time stays. The mark stays until it is done. */
async function revert(
  found: Mark,
  connection: Connection,
  run: LockedRun,
  context: Context,
): Promise<Reverted | null> {
  const folder = connection.stateFolder
  if (found.state === 'waiting' && !(await claimMark(folder, 'reverting'))) return null
  const mark = (await readMark(folder)) ?? found
  const { generation, restarted, live } = mark.content
  const scope = await rollbackScope(folder, generation).catch((error: unknown) => {
    throw error instanceof QstateError ? new QstateError(notTakenBack(mark, error.message)) : error
  })
  const host = await listManaged(connection.withTables(tablesOfScope(scope)))
  const rollback = await planRollback(scope, host, context)
  const restart: RestartOptions = { policy: null, timeoutMs: RESTART_MS, kill: false, ask: null }
  const plan = await withRestarts(
    mayRestart(rollback, restarted),
    { ...restart, makesHeld: false },
    context,
    host,
  )
  const undoes = scope.undone.map(({ number }) => number)
  const settings = {
    kind: 'rollback',
    undoes,
    parallelism: PARALLELISM,
    failFast: false,
    recheck: false,
  } as const
  const applied = await executePlan(plan, host, { ...run, ...settings }, context)
  const report = planIsEmpty(plan) ? null : applied
  const rest =
    applied.interrupted === null
      ? await runAfterwards(plan, report, host, { restart, attach: live }, context)
      : { restarts: [], attached: [] }
  const unfinished = unfinishedOf(mark, plan, applied)
  if (unfinished === null) await finishRevert(folder)
  return { generation, plan, applied, ...rest, unfinished }
}

/** What the apply has restarted may be again, for what that start has taken in. */
const mayRestart = (plan: Plan, names: readonly string[]): Plan => ({
  ...plan,
  qubes: plan.qubes.map((qube) => (names.includes(qube.qube) ? { ...qube, restart: 'now' } : qube)),
})

function unfinishedOf(mark: Mark, plan: Plan, { qubes, interrupted }: Report): Problem | null {
  const failed = qubes.find(({ status }) => !DONE.has(status))
  const blocked = plan.qubes.flatMap((qube) => qube.blocked).find((one) => !isFinal(one.problem))
  const why = interrupted ?? blocked?.problem
  if (failed === undefined) return why === undefined ? null : notTakenBack(mark, why.message)
  return notTakenBack(mark, `${failed.qube}: ${(failureOf(failed) ?? why)?.message ?? failed.status}`)
}

function notTakenBack({ content: { generation }, path }: Mark, why: string): Problem {
  const message = `generation ${generation} was not confirmed, and is not taken back whole: ${why}`
  return problem(
    'unconfirmed',
    message,
    `it is tried again by each run; without ${path} the rest stays as it is`,
  )
}

const DONE: ReadonlySet<string> = new Set(['applied', 'unchanged', 'blocked'])

/** No other try would take it back. */
const isFinal = ({ code }: Problem): boolean =>
  code === 'unknown-qube' || (domainOf(code) === 'plan' && code !== 'needs-halted')
