import { type Value } from '../spec/index.ts'
import { type Host, HostError, type HostQube } from './host.ts'
import { mapLimited } from './make-plan.ts'
import { applyQube, checkGuards, startReport, type QubeRun } from './apply-qube.ts'
import { type Journal } from './journal.ts'
import { isRemoval } from './order.ts'
import { type Change, needsApply, type Plan, type QubePlan } from './plan.ts'
import { type Providers } from './provider.ts'
import { type QubeReport, type Report } from './report.ts'

export interface ApplyContext {
  readonly host: Host
  readonly providers: Providers
  /** The host's qubes as listed just now. */
  readonly qubes: readonly HostQube[]
  readonly parallelism: number
  /** Stops before the next qube after a failed one. */
  readonly failFast: boolean
  /** Checks all guards of all qubes before the first write: for a plan that is not fresh. */
  readonly recheck: boolean
  readonly journal: Journal
  readonly signal: AbortSignal
  readonly onQube?: (report: QubeReport, done: number, total: number) => void
}

/**
 * Does what the plan says, and nothing else. Never throws for what a qube or the daemon does: the report tells.
 *
 * Per qube: guards, removals, the record, values, and a second look. Devices that move from one qube to another are
 * taken from the first before the second gets them.
 */
export async function applyPlan(plan: Plan, context: ApplyContext): Promise<Report> {
  const runs = plan.qubes.map((qube) => startRun(qube, plan, context))
  const todo = runs.filter((run) => needsApply(run.plan))
  if (context.recheck) {
    const gone = await checkAll(todo, context.parallelism)
    if (gone !== null) return finish(plan, runs, gone)
    if (todo.some((run) => run.report.status === 'stale' || run.report.status === 'failed'))
      return finish(plan, runs, null)
  }
  if (todo.length === 0) return finish(plan, runs, null)
  await context.journal.begin(plan)

  let done = 0
  let stop: string | null = null
  const step =
    (work: (run: QubeRun) => Promise<void>, final: boolean) =>
    async (run: QubeRun): Promise<void> => {
      if (context.signal.aborted) stop ??= 'stopped by a signal'
      if (stop !== null) return
      try {
        await work(run)
      } catch (error) {
        if (!(error instanceof HostError) || !error.fatal) throw error
        stop ??= error.message
      }
      if (context.failFast && (run.report.status === 'failed' || run.report.status === 'stale')) {
        stop ??= `stopped after ${run.plan.qube} (--fail-fast)`
      }
      if (final) context.onQube?.(run.report, ++done, todo.length)
    }
  const moving = new Set(movedDevices(plan))
  const givers = todo.filter((run) => run.plan.changes.some((change) => gives(change, moving)))
  await mapLimited(
    givers,
    context.parallelism,
    step((run) => applyQube(run, (c) => gives(c, moving), 'part'), false),
  )
  await mapLimited(
    todo,
    context.parallelism,
    step((run) => applyQube(run, () => true, 'rest'), true),
  )

  const report = finish(plan, runs, stop)
  await context.journal.end(report)
  return report
}

/** Returns why the host could not be asked, if it could not. */
async function checkAll(runs: readonly QubeRun[], parallelism: number): Promise<string | null> {
  try {
    await mapLimited(runs, parallelism, (run) => checkGuards(run))
    return null
  } catch (error) {
    if (error instanceof HostError) return error.message
    throw error
  }
}

function startRun(plan: QubePlan, whole: Plan, context: ApplyContext): QubeRun {
  const qube = context.qubes.find((candidate) => candidate.name === plan.qube)
  return {
    plan,
    facts: {
      qube: qube ?? { name: plan.qube, klass: plan.klass, state: 'Halted', uuid: plan.uuid },
      release: whole.host.release,
    },
    gone: qube === undefined || (qube.uuid !== null && plan.uuid !== null && qube.uuid !== plan.uuid),
    host: context.host,
    providers: context.providers,
    journal: context.journal,
    signal: context.signal,
    report: startReport(plan),
    recordText: plan.record.before,
  }
}

const finish = (plan: Plan, runs: readonly QubeRun[], interrupted: string | null): Report => ({
  plan,
  qubes: runs.map((run) => run.report),
  interrupted,
})

/** Devices, as `usb/…` paths, that one qube of the plan gives up and another gets. */
function movedDevices(plan: Plan): readonly string[] {
  const paths = (wanted: (value: Value | null) => boolean): string[] =>
    plan.qubes.flatMap((qube) =>
      qube.changes.filter((c) => c.path.startsWith('usb/') && wanted(c.after)).map((c) => c.path),
    )
  const taken = paths((value) => value !== null).map(portOf)
  return paths((value) => value === null).filter((path) => taken.some((port) => overlaps(port, portOf(path))))
}

const gives = (change: Change, moving: ReadonlySet<string>): boolean =>
  isRemoval(change) && moving.has(change.path)

interface Claim {
  readonly backend: string
  readonly port: string
  readonly identity: string
}

function portOf(path: string): Claim {
  const [, backend = '', port = '', identity = ''] = /^usb\/([^+]+)\+([^:]+):(.+)$/.exec(path) ?? []
  return { backend, port, identity }
}

const overlaps = (a: Claim, b: Claim): boolean =>
  a.backend === b.backend && meets(a.port, b.port) && meets(a.identity, b.identity)

const meets = (a: string, b: string): boolean => a === '*' || b === '*' || a === b
