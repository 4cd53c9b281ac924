import { MAX_REQUEST_BYTES } from '../../qubesd/index.ts'
import { type HostEvent, splitOnce, str } from '../host/index.ts'

/** The daemon's side of the codec: requests in, answers and events out. Text is Latin-1: one char, one byte. */

export interface WireRequest {
  readonly method: string
  readonly arg: string
  readonly source: string
  readonly dest: string
  readonly payload: Buffer
}

/** `undefined` for what the daemon drops without an answer. */
export function decodeRequest(bytes: Buffer): WireRequest | undefined {
  const nul = bytes.indexOf(0)
  if (nul === -1 || bytes.length > MAX_REQUEST_BYTES) return undefined
  const service = splitOnce(bytes.subarray(0, nul).toString('latin1'), ' ')
  const source = service && splitOnce(service[1], ' ')
  const kind = source && splitOnce(source[1], ' ')
  if (!kind) return undefined
  const [type, dest] = kind[0] === 'keyword' && kind[1] === 'adminvm' ? ['name', 'dom0'] : kind
  if (type !== 'name') return undefined
  const [method, arg] = splitOnce(service[0], '+') ?? [service[0], '']
  return { method, arg, source: source[0], dest, payload: bytes.subarray(nul + 1) }
}

export function encodeOk(content: string): Buffer {
  return Buffer.from(`0\0${content}`, 'utf8')
}

export function encodeException(type: string, message: string): Buffer {
  return Buffer.from(`2\0${type}\0\0${message}\0`, 'utf8')
}

export function encodeEvent(event: HostEvent): Buffer {
  const fields = Object.entries(event.fields).map(([key, value]) => `${key}\0${str(value)}\0`)
  return Buffer.from(`1\0${event.subject?.name ?? ''}\0${event.name}\0${fields.join('')}\0`, 'latin1')
}
