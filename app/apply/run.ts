import { type RunKind } from '../../journal/index.ts'
import { type Plan, planIsEmpty, type Report, type RestartReport } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost, type Connection, listManaged } from '../host/index.ts'
import { warnInterruptedApply } from '../plan/index.ts'
import { type AttachReport, attachWanted } from './attach.ts'
import { type Applied, executePlan } from './execute.ts'
import { withLock } from './lock.ts'
import { requireAllowed } from './removals.ts'
import { restartPending, type RestartOptions, withRestarts } from './restarts.ts'

/** The person before a run, or what stands for one. */
export interface Reviewer {
  /** Sees the plan before anything is written, and answers whether it may be. */
  approve(plan: Plan): Promise<boolean>
  /** The answer may have taken long: the host is looked at again before the first write. */
  readonly takesTime: boolean
  /** Told of the result of the apply, ahead of restarts, which take minutes. */
  applied(applied: Applied, plan: Plan): void
}

export interface RunOptions {
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
  readonly restart: RestartOptions
  /** Attaches and detaches USB devices of running qubes at the end. */
  readonly attach: boolean
}

export interface RunResult {
  readonly plan: Plan
  /** Null: not approved, and nothing was written. */
  readonly applied: Applied | null
  readonly restarts: readonly RestartReport[]
  readonly attached: readonly AttachReport[]
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
    await warnInterruptedApply(connection.stateFolder, context, true)
    const listed = await listManaged(connection)
    const made = await makePlan(listed)
    const plan = withRestarts(made, options.restart, context, connection.host.ownQube)
    requireAllowed(plan, options.allowRemove)
    if (!(await reviewer.approve(plan))) return { plan, applied: null, restarts: [], attached: [] }
    const isEmpty = planIsEmpty(plan)
    const host = reviewer.takesTime && !isEmpty ? await listManaged(connection) : listed
    const { kind, undoes, parallelism, failFast, saved = false } = options
    const applied = await executePlan(
      plan,
      host,
      {
        ...run,
        kind,
        ...(undoes === undefined ? {} : { undoes: undoes() }),
        parallelism,
        failFast,
        recheck: saved || reviewer.takesTime,
      },
      context,
    )
    reviewer.applied(applied, plan)
    if (applied.interrupted !== null) return { plan, applied, restarts: [], attached: [] }
    return { plan, applied, ...(await afterwards(plan, isEmpty ? null : applied, listed, options, context)) }
  })
}

/** What is done with running qubes once their values are set, and only if the spec or an option says so. */
async function afterwards(
  plan: Plan,
  report: Report | null,
  host: ManagedHost,
  options: RunOptions,
  context: Context,
): Promise<Pick<RunResult, 'restarts' | 'attached'>> {
  // A qube that is restarted gets its devices at its start: so that comes first, and the rest is attached now.
  const restarts = await restartPending(plan, report, host, options.restart, context)
  const attached = options.attach
    ? await attachWanted(plan, withoutRestarted(report, restarts), host, context)
    : []
  return { restarts, attached }
}

/** Nothing waits any more on a qube that has been restarted. */
function withoutRestarted(report: Report | null, restarts: readonly RestartReport[]): Report | null {
  if (report === null) return null
  const done = new Set(restarts.filter(({ status }) => status === 'restarted').map(({ qube }) => qube))
  return {
    ...report,
    qubes: report.qubes.map((qube) => (done.has(qube.qube) ? { ...qube, waiting: [] } : qube)),
  }
}
