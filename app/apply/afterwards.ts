import { type Plan, type Report, type RestartReport } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost } from '../host/index.ts'
import { type AttachReport, attachWanted } from './attach.ts'
import { restartPending, type RestartOptions } from './restarts.ts'

export interface AfterwardsOptions {
  readonly restart: RestartOptions
  /** Attaches and detaches USB devices of running qubes at the end. */
  readonly attach: boolean
}

export interface Afterwards {
  readonly restarts: readonly RestartReport[]
  readonly attached: readonly AttachReport[]
}

/** What is done with running qubes once their values are set, and only if the spec or an option says so. */
export async function runAfterwards(
  plan: Plan,
  report: Report | null,
  host: ManagedHost,
  options: AfterwardsOptions,
  context: Context,
): Promise<Afterwards> {
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
