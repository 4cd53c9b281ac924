import { type HostNews } from '../../agent/index.ts'
import { daemonEvents, type EventOrGap, type Transport } from '../../qubesd/index.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const REFUSED_PAUSE_MS = 10 * 60_000

/** What a host tells of itself until the signal fires. One that refuses is asked again later: its policy may allow it then. */
export async function* hostEvents(
  transport: Transport,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void>,
): AsyncIterable<HostNews> {
  const pause = (attempt: number): Promise<void> =>
    sleep(Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS))
  while (!signal.aborted) {
    try {
      for await (const news of daemonEvents(transport, { signal, pause })) yield newsOf(news)
    } catch (error) {
      if (!(error instanceof QstateError)) throw error
      yield { kind: 'refused', problem: error.problem }
      await sleep(REFUSED_PAUSE_MS)
    }
  }
}

function newsOf(news: EventOrGap): HostNews {
  if (news.kind === 'gap') return { kind: 'lost', problem: news.error.problem }
  const { event } = news
  return event.name === 'connection-established' ? { kind: 'connected' } : { kind: 'event', event }
}
