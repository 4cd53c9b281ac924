import { type HostNews } from '../../agent/index.ts'
import { daemonEvents, type EventOrGap, QubesdError, type Transport } from '../../qubesd/index.ts'

const LONGEST_PAUSE_MS = 30_000
const REFUSED_PAUSE_MS = 10 * 60_000

/** Events of the host until the signal fires. Where the host refuses them, it is asked again later. */
export async function* hostEvents(
  transport: Transport,
  signal: AbortSignal,
  pause: (ms: number) => Promise<void>,
): AsyncIterable<HostNews> {
  const pauseBefore = (attempt: number): Promise<void> =>
    pause(Math.min(250 * 2 ** (attempt - 1), LONGEST_PAUSE_MS))
  while (!signal.aborted) {
    try {
      for await (const news of daemonEvents(transport, { signal, pause: pauseBefore })) yield newsOf(news)
    } catch (error) {
      if (!(error instanceof QubesdError)) throw error
      yield { kind: 'refused', problem: error.problem }
      await pause(REFUSED_PAUSE_MS)
    }
  }
}

function newsOf(news: EventOrGap): HostNews {
  if (news.kind === 'gap') return { kind: 'lost', problem: news.error.problem }
  const { event } = news
  return event.name === 'connection-established' ? { kind: 'connected' } : { kind: 'event', event }
}
