import { type HostNews } from '../../agent/index.ts'
import { daemonEvents, type EventOrGap, type Transport } from '../../qubesd/index.ts'
import { type Problem, QstateError } from '../../spec/diagnostics/index.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const REFUSED_PAUSE_MS = 10 * 60_000

/** A daemon that restarts is back within a minute: this many attempts take that long. */
const RESTART_ATTEMPTS = 8

/** What policy answers, which it also does in a management qube while qubesd is away. */
const REFUSALS: ReadonlySet<string> = new Set(['refused', 'denied-by-policy'])

/**
 * What a host tells of itself until the signal fires. One that refuses is asked again later: its policy may allow it then. After a
 * connection, a refusal is a loss at first, and is tried again at once.
 */
export async function* hostEvents(
  transport: Transport,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void>,
): AsyncIterable<HostNews> {
  const pause = (attempt: number): Promise<void> =>
    sleep(Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS))
  let attemptsLeft = 0
  while (!signal.aborted) {
    try {
      for await (const news of daemonEvents(transport, { signal, pause })) {
        const told = newsOf(news)
        if (told.kind === 'connected') attemptsLeft = RESTART_ATTEMPTS
        yield told
      }
    } catch (error) {
      if (!(error instanceof QstateError)) throw error
      const { problem } = error
      if (attemptsLeft > 0 && REFUSALS.has(problem.code)) {
        yield { kind: 'lost', problem: mayRestart(problem) }
        attemptsLeft -= 1
        await pause(RESTART_ATTEMPTS - attemptsLeft)
      } else {
        yield { kind: 'refused', problem }
        await sleep(REFUSED_PAUSE_MS)
      }
    }
  }
}

const mayRestart = (problem: Problem): Problem => ({
  ...problem,
  message: `${problem.message} (qubesd may be restarting)`,
  hint: 'it was connected before, and is tried again within seconds; where it stays so, policy in dom0 has changed',
})

function newsOf(news: EventOrGap): HostNews {
  if (news.kind === 'gap') return { kind: 'lost', problem: news.error.problem }
  const { event } = news
  return event.name === 'connection-established' ? { kind: 'connected' } : { kind: 'event', event }
}
