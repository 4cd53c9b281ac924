/**
 * Bytes of the Admin API ↔ values. Pure: no socket, no clock, no state.
 *
 * A request is `METHOD+ARG SOURCE KIND DEST NUL PAYLOAD`, one per connection. A reply is `0 NUL CONTENT`,
 * `2 NUL TYPE NUL TRACEBACK NUL MESSAGE NUL`, or no byte at all, which is how qubesd refuses.
 * An event is `1 NUL SUBJECT NUL NAME NUL (KEY NUL VALUE NUL)* NUL`.
 */

/** qubesd drops a connection whose request is larger than this, in bytes, without an answer. */
export const MAX_REQUEST_BYTES = 65_536

/** What an event may take; real ones are a hundred times smaller. */
const MAX_EVENT_BYTES = 1024 * 1024

/** No answer that qstate asks for comes near this size; more is a daemon that must not be believed. */
export const MAX_REPLY_BYTES = 16 * 1024 * 1024

/** One Admin API call. `arg` is the part after `+`, empty for none. */
export interface Call {
  readonly dest: string
  readonly method: string
  readonly arg: string
  readonly payload: string
}

export type Reply =
  | { readonly kind: 'ok'; readonly content: Buffer }
  | { readonly kind: 'exception'; readonly type: string; readonly message: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'malformed'; readonly reason: string }

/** An entry of `admin.Events`. `subject` is empty for the host itself. */
export interface DaemonEvent {
  readonly subject: string
  readonly name: string
  readonly fields: Readonly<Record<string, string>>
}

const NUL = 0

/** A request as dom0 sends it, in Latin-1: one char, one byte. */
export function requestText(call: Call): string {
  const service = call.arg === '' ? call.method : `${call.method}+${call.arg}`
  return `${service} dom0 name ${call.dest}\0${call.payload}`
}

/** The same as bytes. */
export const encodeRequest = (call: Call): Buffer => Buffer.from(requestText(call), 'latin1')

/** Decodes a complete reply, that is, everything that came until the daemon closed the connection. */
export function decodeReply(bytes: Buffer): Reply {
  if (bytes.length === 0) return { kind: 'refused' }
  if (bytes.length > MAX_REPLY_BYTES) return { kind: 'malformed', reason: 'the answer is larger than 16 MiB' }
  if (bytes.length < 2 || bytes[1] !== NUL)
    return { kind: 'malformed', reason: 'the answer has no status byte' }
  if (bytes[0] === 0x30) return { kind: 'ok', content: bytes.subarray(2) }
  if (bytes[0] !== 0x32) return { kind: 'malformed', reason: 'the answer has an unknown status byte' }
  const parts = bytes.subarray(2).toString('latin1').split('\0')
  const [type, , message] = parts
  if (type === undefined || message === undefined || parts.length < 4 || parts.at(-1) !== '') {
    return { kind: 'malformed', reason: 'the exception is cut short' }
  }
  if (!/^[A-Za-z_][A-Za-z0-9_.]{0,127}$/.test(type)) {
    return { kind: 'malformed', reason: 'the exception has an impossible type name' }
  }
  return { kind: 'exception', type, message: Buffer.from(message, 'latin1').toString('utf8') }
}

/**
 * Takes the complete events off the front of a stream.
 * Returns them with the bytes that are left, or the reason why this is no event stream.
 */
export function decodeEvents(
  bytes: Buffer,
): { readonly events: DaemonEvent[]; readonly rest: Buffer } | { readonly malformed: string } {
  const events: DaemonEvent[] = []
  let start = 0
  for (;;) {
    const taken = takeEvent(bytes, start)
    if (taken === 'incomplete') return { events, rest: bytes.subarray(start) }
    if (typeof taken === 'string') return { malformed: taken }
    events.push(taken.event)
    start = taken.end
  }
}

function takeEvent(bytes: Buffer, start: number): { event: DaemonEvent; end: number } | string {
  const fields: string[] = []
  let at = start
  for (;;) {
    const end = bytes.indexOf(NUL, at)
    if ((end === -1 ? bytes.length : end) - start > MAX_EVENT_BYTES) return 'an event is larger than 1 MiB'
    if (end === -1) return 'incomplete'
    const text = bytes.subarray(at, end).toString('utf8')
    at = end + 1
    if (fields.length === 0 && text !== '1') return 'an event starts with an unknown status byte'
    // After status, subject and name come pairs; an empty key ends the event.
    if (fields.length >= 3 && fields.length % 2 === 1 && text === '') break
    fields.push(text)
    if (fields.length > 1003) return 'an event has too many fields'
  }
  const [, subject = '', name = '', ...pairs] = fields
  const entries: [string, string][] = []
  for (let i = 0; i + 1 < pairs.length; i += 2) entries.push([pairs[i] ?? '', pairs[i + 1] ?? ''])
  // Unlike an assignment, this takes `__proto__` for a key like any other.
  return { event: { subject, name, fields: Object.fromEntries(entries) }, end: at }
}
