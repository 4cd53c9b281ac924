import { gunzipSync } from 'node:zlib'
import { type Parsed, parseJson, tooLarge } from './json.ts'

/** The JSON in bytes that may be packed with gzip. No more is unpacked than may be read. */
export function parseBytes(bytes: Uint8Array, maxBytes: number): Parsed {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  if (!isPacked && bytes.length > maxBytes) return tooLarge(maxBytes)
  try {
    const text = isPacked ? gunzipSync(bytes, { maxOutputLength: maxBytes }) : Buffer.from(bytes)
    return parseJson(text.toString('utf8'), maxBytes)
  } catch (error) {
    const isTooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    return isTooLarge ? tooLarge(maxBytes) : { fault: 'it is neither JSON nor gzip' }
  }
}
