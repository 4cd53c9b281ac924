import { type RestartPolicy } from '../spec/index.ts'
import { type Host, HostError } from './host.ts'
import { type Failure } from './report.ts'

/** How a restart came out. Statuses are participles: they say what has happened. */
export interface RestartReport {
  readonly qube: string
  readonly status: 'restarted' | 'not stopped' | 'stopped, not started' | 'failed'
  readonly error: Failure | null
}

export interface RestartContext {
  readonly host: Host
  readonly signal: AbortSignal
  /** Seconds that the qube may take to shut down: Windows takes minutes, and may install updates. */
  readonly patience: number
  /** Resolves after a second. */
  readonly tick: () => Promise<void>
  readonly onProgress: (qube: string, doing: 'shutting down' | 'starting', seconds: number) => void
}

/**
 * Shuts a qube down cleanly, waits until it is halted, and starts it again. It is never killed: when it does not halt in
 * time it is left as it is, and the report says so. That qubes which use it keep it from stopping is qubesd's to say.
 */
export async function restartQube(qube: string, context: RestartContext): Promise<RestartReport> {
  const { host } = context
  const call = (method: string): Promise<void> => host.write({ dest: qube, method, arg: '', payload: '' })
  let stopped = false
  try {
    context.onProgress(qube, 'shutting down', 0)
    await call('admin.vm.Shutdown')
    stopped = await halted(qube, context)
    if (!stopped) {
      const message = context.signal.aborted
        ? 'stopped waiting for it'
        : `not halted after ${context.patience} s`
      const hint =
        'it may be installing updates: look at its window; it was not killed, and what waits goes on waiting'
      return { qube, status: 'not stopped', error: { code: 'not-halted', message, hint } }
    }
    context.onProgress(qube, 'starting', 0)
    await call('admin.vm.Start')
    return { qube, status: 'restarted', error: null }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const { code, message, hint } = error
    return { qube, status: stopped ? 'stopped, not started' : 'failed', error: { code, message, hint } }
  }
}

async function halted(qube: string, context: RestartContext): Promise<boolean> {
  for (let seconds = 0; ; seconds += 1) {
    if ((await context.host.state(qube)) === 'Halted') return true
    if (seconds >= context.patience || context.signal.aborted) return false
    await context.tick()
    context.onProgress(qube, 'shutting down', seconds + 1)
  }
}

/** Whether a policy lets a qube be restarted at a time of the day, given as minutes since midnight. */
export function mayRestart(policy: RestartPolicy, minuteOfDay: number): 'yes' | 'no' | 'ask' {
  if (policy === 'never' || policy === 'idle-halted') return 'no'
  if (policy === 'now') return 'yes'
  if (policy === 'ask') return 'ask'
  const [from = 0, to = 0] = policy.window.split('-').map(minutes)
  const inside =
    from <= to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to
  return inside ? 'yes' : 'no'
}

function minutes(time: string): number {
  const [hours = 0, mins = 0] = time.split(':').map(Number)
  return hours * 60 + mins
}
