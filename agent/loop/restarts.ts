import { type RestartReport } from '../../reconciler/index.ts'
import { problemOf } from '../../spec/diagnostics/index.ts'
import { type Attempts, counted, type Reconciled, turnOf } from '../policy/index.ts'
import { type Memory } from '../state/index.ts'
import { type AgentContext, type Life } from './loop-state.ts'
import { lookAt, type Pending } from './mailbox.ts'

/** A qube that was to be started again is, if it is found halted within this time; later it is somebody's wish. */
const INTENT_MS = 2 * 3600_000

const MINUTE_MS = 60_000

/** Begins what a reconciliation leaves to be restarted, and goes on with what an earlier restart has left halted. */
export function beginRestarts(
  { done, seen, applied }: Reconciled,
  life: Life,
  { clock, host, signal, store, watch }: AgentContext,
  mayStill: () => Promise<boolean>,
): void {
  const now = clock.now()
  const may = (qube: string): boolean => !signal.aborted && turnOf(life.memory.restarts, qube, now).now
  const halted = seen.qubes.filter(
    ({ qube, running }) =>
      !running && isIntended(life.memory, qube, now) && (isCutOff(life.memory, qube) || may(qube)),
  )
  const isAwaited = done?.qubes.some(({ qube }) => mayComeNow(life.memory, qube)) ?? false
  if (halted.length === 0 && !isAwaited) return
  const intend = async (qube: string): Promise<void> => {
    const at = clock.now()
    life.memory = {
      ...life.memory,
      restarting: { ...life.memory.restarting, [qube]: at.toISOString() },
      restarts: counted(life.memory.restarts, [qube], [], at),
    }
    await store.save(life.memory)
  }
  const tell = (report: RestartReport): void => {
    life.mailbox.post(({ restarts }) => {
      restarts.push(report)
    })
  }
  life.background.begin('restart', async () => {
    try {
      // Whatever has been said since: what was shut down to be started again is started again.
      for (const { qube } of halted) tell(await host.start(qube))
      if (done !== null && isAwaited)
        await host.restart(done, applied?.report ?? null, { may, mayStill, intend, tell })
    } catch (error) {
      const problem = problemOf(error)
      if (problem === undefined) throw error
      watch.say('error', problem.message, { hint: problem.hint })
    }
  })
}

/** Remembers how restarts came out, and has their qubes looked at. Those that were begun have been counted already. */
export function takeRestarts(
  pending: Pick<Pending, 'restarts' | 'qubes'>,
  life: Life,
  { clock, watch }: AgentContext,
): void {
  if (pending.restarts.length === 0) return
  for (const { qube, error } of pending.restarts) {
    const known = life.memory.waiting.find((one) => one.qube === qube)?.held
    if (error === null || known?.message === error.message) continue
    watch.say('warn', `${qube} is not restarted: ${error.message}`, { hint: error.hint })
  }
  const names = (list: readonly RestartReport[]): readonly string[] => list.map(({ qube }) => qube)
  const good = names(pending.restarts.filter(hasRestarted))
  const bad = names(pending.restarts.filter((one) => !hasRestarted(one)))
  const over = new Set(names(pending.restarts.filter(({ status }) => !LEFT.has(status))))
  const restarting = Object.entries(life.memory.restarting).filter(([qube]) => !over.has(qube))
  const now = clock.now()
  const isBegun = (qube: string): boolean => Object.hasOwn(life.memory.restarting, qube)
  const restarts = counted(
    life.memory.restarts,
    bad.filter((qube) => !isBegun(qube)),
    good,
    now,
  )
  life.memory = {
    ...life.memory,
    waiting: withHeld(life.memory.waiting, pending.restarts),
    restarts: { ...restarts, ...endedNow(restarts, bad.filter(isBegun), now) },
    restarting: Object.fromEntries(restarting),
  }
  for (const { qube, status } of pending.restarts) lookAt(pending, qube, status)
}

/** What waits, with why its restart came to nothing. */
const withHeld = (waiting: Memory['waiting'], reports: readonly RestartReport[]): Memory['waiting'] =>
  waiting.map(({ held, ...one }) => {
    const report = reports.find(({ qube }) => qube === one.qube)
    const why = report === undefined ? held : (report.error ?? undefined)
    return why === undefined ? one : { ...one, held: why }
  })

/** The time until the next try begins when the last one is over. */
function endedNow(restarts: Attempts, qubes: readonly string[], now: Date): Attempts {
  const last = now.toISOString()
  return Object.fromEntries(qubes.map((qube) => [qube, { times: restarts[qube]?.times ?? 1, last }]))
}

/** When something about restarts may be tried again, in milliseconds since the epoch. */
export function restartTries(
  { memory, background }: Life,
  now: Date,
): readonly { readonly qube: string; readonly at: number }[] {
  // While one is under way, no other begins: it is looked again in a minute.
  const earliest = background.isBusy('restart') ? now.getTime() + MINUTE_MS : 0
  const waiting = memory.waiting.filter(({ qube }) => mayComeNow(memory, qube)).map(({ qube }) => qube)
  const intended = Object.keys(memory.restarting).filter((qube) => isIntended(memory, qube, now))
  return [...new Set([...waiting, ...intended])].flatMap((qube) => {
    const { times, from } = turnOf(memory.restarts, qube, now)
    return times === 0 ? [] : [{ qube, at: Math.max(Date.parse(from), earliest) }]
  })
}

/** Whether what waits on a qube may have its restart by the clock alone. */
const mayComeNow = ({ waiting }: Memory, qube: string): boolean =>
  waiting.some(
    ({ qube: name, restart }) => name === qube && (restart === 'now' || typeof restart !== 'string'),
  )

function isIntended({ restarting }: Memory, qube: string, now: Date): boolean {
  const since = Object.hasOwn(restarting, qube) ? restarting[qube] : undefined
  return since !== undefined && now.getTime() - Date.parse(since) < INTENT_MS
}

/** The agent was stopped before it knew how the restart came out. */
const isCutOff = ({ restarting, restarts }: Memory, qube: string): boolean =>
  restarts[qube]?.last === restarting[qube]

export const hasRestarted = ({ status }: RestartReport): boolean =>
  status === 'restarted' || status === 'started, not ready'

/** The qube is halted, or will be, and nobody has started it yet. */
const LEFT: ReadonlySet<RestartReport['status']> = new Set(['not stopped', 'stopped, not started'])
