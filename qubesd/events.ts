import { type Call, type DaemonEvent, decodeEvents, decodeReply, MAX_REQUEST_BYTES } from './codec.ts'
import { fromException, QubesdError } from './errors.ts'
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
  // A call, for TypeScript: what is false now need not stay so.
  const over = (): boolean => options.signal.aborted
  let attempt = 0
  while (!over()) {
    let error = new QubesdError(
      'daemon-unreachable',
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
    if (over()) return
    yield { kind: 'gap', error }
    attempt += 1
    await options.pause(attempt)
  }
}

async function* connection(transport: Transport, signal: AbortSignal): AsyncIterable<DaemonEvent> {
  let pending: Buffer = Buffer.alloc(0)
  let established = false
  for await (const chunk of transport.stream(EVENTS, signal)) {
    pending = Buffer.concat([pending, chunk])
    if (!established && isException(pending)) continue
    const decoded = decodeEvents(pending)
    if ('malformed' in decoded) throw malformed(decoded.malformed)
    pending = decoded.rest
    for (const event of decoded.events) {
      established = true
      yield event
    }
  }
  if (!established && !signal.aborted) checkNoReply(pending)
}

/** 4.4 says why it refuses, in a reply that is in the place of the stream. */
const isException = (bytes: Buffer): boolean => bytes[0] === 0x32 && bytes.length < MAX_REQUEST_BYTES

/** Half an event is a lost connection. Anything else that came instead of events will come again. */
function checkNoReply(bytes: Buffer): void {
  if (bytes[0] === 0x31) return
  const reply = decodeReply(bytes)
  if (reply.kind === 'exception') throw fromException(EVENTS, reply.type, reply.message)
  if (reply.kind !== 'refused') throw malformed('this is no event stream')
  throw new QubesdError(
    'refused',
    EVENTS,
    'refused, with no reason given',
    'allow admin.Events in the policy of dom0',
  )
}

function malformed(reason: string): QubesdError {
  return new QubesdError('malformed-answer', EVENTS, reason, 'see `journalctl -u qubesd -e` in dom0')
}
