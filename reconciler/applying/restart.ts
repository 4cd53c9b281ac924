import { type Code, hasCode, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'
import { type Host } from '../ports/index.ts'

/** How a restart came out. Statuses are participles: they say what has happened. */
export interface RestartReport {
  readonly qube: string
  readonly status: 'restarted' | 'started, not ready' | 'not stopped' | 'stopped, not started' | 'failed'
  readonly error: Problem | null
  /** Devices that were attached by hand: no start brings them back. */
  readonly detached?: readonly string[]
  /** It did not shut down in time, and was killed, as it was asked for. */
  readonly killed?: boolean
}

export interface RestartContext {
  readonly host: Host
  readonly signal: AbortSignal
  /** Seconds that the qube may take to shut down, and again to be ready: Windows takes minutes, and may install updates. */
  readonly patience: number
  /** Kills a qube that does not shut down in time. Without it none is. */
  readonly kill?: boolean
  /** Has the shutdown asked for if it may still be; false where it may not. Without it, it is asked for. */
  readonly ifStill?: (shutDown: () => Promise<void>) => Promise<boolean>
  /** Makes what only a halted qube takes, between shutdown and start. Why not all of it could be made; null: it was. */
  readonly whileHalted?: () => Promise<Problem | null>
  /** Resolves after a second. */
  readonly tick: () => Promise<void>
  readonly onProgress: (qube: string, doing: 'shutting down' | 'starting', seconds: number) => void
}

/**
 * Shuts a qube down cleanly, waits until it is halted, starts it again, and waits until it is ready: running, and where it
 * has qrexec, connected. When it does not halt in time it is left as it is, and the report says so: it is killed only where
 * that is asked for. That qubes which use it keep it from stopping is qubesd's to say, before anything is done.
 */
export async function restartQube(qube: string, context: RestartContext): Promise<RestartReport> {
  let stopped = false
  let killed = false
  const report = (status: RestartReport['status'], error: Problem | null): RestartReport => ({
    qube,
    status,
    error,
    ...(killed ? { killed } : {}),
  })
  try {
    context.onProgress(qube, 'shutting down', 0)
    const shutDown = (): Promise<void> => call(qube, 'admin.vm.Shutdown', context)
    if (context.ifStill === undefined) await shutDown()
    else if (!(await context.ifStill(shutDown))) return report('failed', HELD)
    stopped = known(await becomes(qube, 'Halted', 'shutting down', context))
    if (!stopped && context.kill === true && !context.signal.aborted) {
      await call(qube, 'admin.vm.Kill', context)
      killed = true
      stopped = known(await becomes(qube, 'Halted', 'shutting down', context))
    }
    if (!stopped) {
      const left = killed ? 'it was killed, and is there still' : 'it was not killed'
      const hint = `it may be installing updates: look at its window; ${left}, and what waits goes on waiting`
      return report('not stopped', late('not-halted', 'halted', context, hint))
    }
    const failure = (await context.whileHalted?.()) ?? null
    const begun = await begin(qube, context)
    return { ...begun, error: begun.error ?? failure, ...(killed ? { killed } : {}) }
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return report(stopped ? 'stopped, not started' : 'failed', error.problem)
  }
}

/** Starts a qube that an earlier restart has left halted. */
export async function startQube(qube: string, context: RestartContext): Promise<RestartReport> {
  try {
    return await begin(qube, context)
  } catch (error) {
    if (!(error instanceof QstateError)) throw error
    return { qube, status: 'stopped, not started', error: error.problem }
  }
}

async function begin(qube: string, context: RestartContext): Promise<RestartReport> {
  context.onProgress(qube, 'starting', 0)
  const isReady = await started(qube, context)
  if (isReady === true) return { qube, status: 'restarted', error: null }
  if (isReady !== false) return { qube, status: 'started, not ready', error: isReady.problem }
  const hint =
    'it goes on starting: look at its window; Windows Tools that no longer run leave it waiting (`qstate doctor`)'
  return { qube, status: 'started, not ready', error: late('not-ready', 'ready', context, hint) }
}

function known(become: Become): boolean {
  if (typeof become !== 'boolean') throw become
  return become
}

/** Nothing was done: somebody has said meanwhile that nothing is to be. */
const HELD: Problem = {
  code: 'held',
  message: 'not shut down after all',
  hint: 'it is tried again when it may be',
}

const call = (qube: string, method: string, { host }: RestartContext): Promise<void> =>
  host.write({ dest: qube, method, arg: '', payload: '' })

const late = (code: Code, what: string, { signal, patience }: RestartContext, hint: string): Problem => ({
  code,
  message: signal.aborted ? 'stopped waiting for it' : `not ${what} after ${patience} s`,
  hint,
})

/**
 * qubesd answers a start once qrexec is connected, where the qube has it: for Windows that is minutes, or longer than a
 * call may take. So the state is looked at meanwhile, which is `Transient` until then. Fails where the qube does not start.
 */
async function started(qube: string, context: RestartContext): Promise<Become> {
  let answered = false
  const start = call(qube, 'admin.vm.Start', context)
    .catch((error: unknown) => {
      // A call that was given up says nothing of the qube, which goes on starting.
      if (!hasCode(error, 'timeout')) throw error
    })
    .finally(() => (answered = true))
  // It is awaited below, unless the qube takes too long.
  start.catch(() => undefined)
  return becomes(qube, 'Running', 'starting', context, async () => {
    if (answered) await start
    return answered
  })
}

/** Whether it has in time; or why that is not known. */
type Become = boolean | QstateError

async function becomes(
  qube: string,
  wanted: string,
  doing: 'shutting down' | 'starting',
  context: RestartContext,
  allowed: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Become> {
  let silent = 0
  for (let seconds = 0; ; seconds += 1) {
    const state = await stateOf(qube, context)
    silent = typeof state === 'string' ? 0 : silent + 1
    if ((await allowed()) && state === wanted) return true
    if (seconds >= context.patience || context.signal.aborted || silent > MAX_SILENT)
      return typeof state === 'string' ? false : state
    await context.tick()
    context.onProgress(qube, doing, seconds + 1)
  }
}

/**
 * Between two states qubesd may fail over a qube, or hang with libvirt: what is not known now is asked for again, since a qube
 * that was shut down is to be started.
 */
async function stateOf(qube: string, { host }: RestartContext): Promise<string | QstateError> {
  try {
    return await host.state(qube)
  } catch (error) {
    if (error instanceof QstateError && PASSING.has(error.code)) return error
    throw error
  }
}

/** In a row: more of them do not pass. */
const MAX_SILENT = 10

const PASSING: ReadonlySet<string> = new Set(['refused', 'timeout'])

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
