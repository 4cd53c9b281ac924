import { type Call, decodeEvents, type DaemonEvent } from './codec.ts'
import { QubesdError } from './errors.ts'
import { type Transport } from './transport.ts'

const EVENTS: Call = { dest: 'dom0', method: 'admin.Events', arg: '', payload: '' }

export interface EventOptions {
  readonly signal: AbortSignal
  /** Waits between attempts; `attempt` counts from 1 since the last good connection. */
  readonly pause: (attempt: number) => Promise<void>
}

/** What the stream yields: an event, or the word that some may have been missed while the daemon was away. */
export type EventOrGap =
  | { readonly kind: 'event'; readonly event: DaemonEvent }
  | { readonly kind: 'gap'; readonly error: QubesdError }

/**
 * Events of the host for as long as the signal lets it. A lost connection is a `gap`, then it connects again;
 * a reader has to compare everything after one. Ends only by the signal, or when the daemon refuses the stream.
 */
export async function* daemonEvents(transport: Transport, options: EventOptions): AsyncIterable<EventOrGap> {
  let attempt = 0
  while (!options.signal.aborted) {
    let error = new QubesdError(
      'daemon-gone',
      EVENTS,
      'the event stream ended',
      'qubesd was stopped or restarted',
    )
    try {
      for await (const event of connection(transport, options.signal)) {
        attempt = 0
        yield { kind: 'event', event }
      }
    } catch (caught) {
      if (!(caught instanceof QubesdError) || !caught.retryable) throw caught
      error = caught
    }
    if (options.signal.aborted) return
    yield { kind: 'gap', error }
    attempt += 1
    await options.pause(attempt)
  }
}

async function* connection(transport: Transport, signal: AbortSignal): AsyncIterable<DaemonEvent> {
  let pending: Buffer = Buffer.alloc(0)
  let established = false
  for await (const chunk of transport.stream(EVENTS, signal)) {
    const decoded = decodeEvents(Buffer.concat([pending, chunk]))
    if ('malformed' in decoded) {
      throw new QubesdError(
        'malformed-answer',
        EVENTS,
        decoded.malformed,
        'see `journalctl -u qubesd -e` in dom0',
      )
    }
    pending = decoded.rest
    for (const event of decoded.events) {
      established = true
      yield event
    }
  }
  if (!established && !signal.aborted && pending.length === 0) {
    throw new QubesdError(
      'refused',
      EVENTS,
      'refused, with no reason given',
      'allow admin.Events in the policy of dom0',
    )
  }
}
