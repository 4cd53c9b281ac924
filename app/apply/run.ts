import { type RunKind } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { asOfNow, failureOf, type Plan, planIsEmpty, type QubePlan } from '../../reconciler/index.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost, type Connection, listManaged } from '../host/index.ts'
import { warnInterruptedApply } from '../plan/index.ts'
import { type Afterwards, type AfterwardsOptions, runAfterwards } from './afterwards.ts'
import { liftHold } from './confirmation.ts'
import { type Applied, executePlan } from './execute.ts'
import { withLock } from './lock.ts'
import { requireAllowed } from './removals.ts'
import { withRestarts } from './restarts.ts'
import { requireConfirmed } from './revert.ts'
import { type ConfirmOptions, openSafetyNet } from './safety-net.ts'

/** The person before a run, or what stands for one. */
export interface Reviewer {
  /** Sees the plan before anything is written, and answers whether it may be. */
  approve(plan: Plan): Promise<boolean>
  /** The answer may have taken long: the host is looked at again before the first write. */
  readonly takesTime: boolean
  /** Told of the result of the apply, ahead of restarts, which take minutes. */
  applied(applied: Applied, plan: Plan): void
}

export interface RunOptions extends AfterwardsOptions {
  readonly kind: RunKind
  /** Of a rollback: the generations that it undoes, known once its plan is made. */
  readonly undoes?: () => readonly number[]
  /** The plan is saved, rather than made for this run. */
  readonly saved?: boolean
  /** How long another run on the host is waited for. */
  readonly lockWaitMs: number
  readonly parallelism: number
  /** Begins no other qube after one that failed. */
  readonly failFast: boolean
  /** Qubes that may be removed with all their data. */
  readonly allowRemove: readonly string[]
  /** Takes everything back unless a person confirms it in time. */
  readonly confirm?: ConfirmOptions
}

export interface RunResult extends Afterwards {
  readonly plan: Plan
  /** Null: not approved, and nothing was written. */
  readonly applied: Applied | null
}

const CHANGED = problem(
  'stale',
  'what only a halted qube takes was not set: something else has changed meanwhile',
  'run `qstate plan`, then apply again',
)

/** Of a plan made anew, the qube that is halted now, if all that it changes is what was held. */
function onlyHeld(plan: Plan, { qube, held = [] }: QubePlan): Plan {
  const isHeld = ({ path, after }: QubePlan['changes'][number]): boolean =>
    held.some((one) => one.path === path && JSON.stringify(one.after) === JSON.stringify(after))
  return { ...plan, qubes: plan.qubes.filter((one) => one.qube === qube && one.changes.every(isHeld)) }
}

/**
 * A whole run on one host: lock, list, plan, approval, apply, restart, attach. What the plan is for is the caller's business: a
 * spec, a saved plan, the undoing of generations.
 */
export function runApply(
  connection: Connection,
  makePlan: (host: ManagedHost) => Promise<Plan>,
  options: RunOptions,
  reviewer: Reviewer,
  context: Context,
): Promise<RunResult> {
  return withLock(connection.stateFolder, options.lockWaitMs, context, async (run) => {
    await requireConfirmed(connection, run, context)
    await warnInterruptedApply(connection.stateFolder, context, true)
    const listed = await listManaged(connection)
    const now = (plan: Plan, { host, qubes }: ManagedHost): Promise<Plan> =>
      asOfNow(plan, { host, providers, qubes })
    const made = await makePlan(listed)
    const makesHeld = options.kind === 'apply' && options.saved !== true
    const shown = options.saved === true ? await now(made, listed) : made
    const plan = await withRestarts(shown, { ...options.restart, makesHeld }, context, listed)
    requireAllowed(plan, options.allowRemove, listed.qubes)
    const { confirm, attach: live } = options
    const net =
      confirm === undefined ? null : await openSafetyNet(plan, listed, { ...confirm, live }, run, context)
    if (!(await reviewer.approve(plan))) return { plan, applied: null, restarts: [], attached: [] }
    const isEmpty = planIsEmpty(plan)
    const host = reviewer.takesTime && !isEmpty ? await listManaged(connection) : listed
    const { kind, undoes, parallelism, failFast, saved = false } = options
    const current = host === listed ? plan : await now(plan, host)
    const applied = await executePlan(
      current,
      host,
      {
        ...run,
        kind,
        ...(undoes === undefined ? {} : { undoes: undoes() }),
        parallelism,
        failFast,
        recheck: saved || reviewer.takesTime,
        ...(net === null ? {} : { begun: net.begun }),
      },
      context,
    )
    reviewer.applied(applied, current)
    const whileHalted = async (planned: QubePlan): Promise<Problem | null> => {
      const again = await listManaged(connection)
      const halted = onlyHeld(await makePlan(again), planned)
      if (halted.qubes.length === 0) return CHANGED
      const done = await executePlan(
        halted,
        again,
        { ...run, kind, parallelism, failFast, recheck: false },
        context,
      )
      reviewer.applied(done, halted)
      return done.qubes.map(failureOf).find((failure) => failure !== null) ?? done.interrupted
    }
    const restart = makesHeld ? { ...options.restart, whileHalted } : options.restart
    const settings = { ...options, restart: net === null ? restart : net.restart(restart) }
    const rest =
      applied.interrupted === null
        ? await runAfterwards(current, isEmpty ? null : applied, listed, settings, context)
        : { restarts: [], attached: [] }
    if (net !== null) await net.settle(applied, rest.restarts)
    else if (kind === 'apply') await liftHold(connection.stateFolder, plan.spec.commit)
    return { plan: current, applied, ...rest }
  })
}
