/** What qubesd's own language shows through the wire: how it prints, quotes and parses values. */

/** A property's value. A qube is its name; `null` is Python's None. */
export type Value = string | number | bigint | boolean | null

export function str(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return String(value)
}

/** Python's quoting of a string: single quotes unless it holds one and no double quote. */
export function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let quoted = ''
  for (const char of text) quoted += reprChar(char, quote)
  return quote + quoted + quote
}

function reprChar(char: string, quote: string): string {
  if (char === quote || char === '\\') return `\\${char}`
  if (char === '\n') return '\\n'
  if (char === '\r') return '\\r'
  if (char === '\t') return '\\t'
  const code = char.charCodeAt(0)
  return code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : char
}

/** Python's `int(text)`: surrounding blanks, a sign and single underscores are fine. */
export function parsePythonInt(text: string): number | bigint | undefined {
  const trimmed = text.replace(/^[ \t\n\r\v\f\x1c-\x1f]+|[ \t\n\r\v\f\x1c-\x1f]+$/g, '')
  if (!/^[+-]?[0-9]+(_[0-9]+)*$/.test(trimmed)) return undefined
  const digits = trimmed.replaceAll('_', '')
  // Python refuses longer ones since 3.11.
  if (digits.length > 4300) return undefined
  const exact = BigInt(digits.startsWith('+') ? digits.slice(1) : digits)
  const near = Number(exact)
  return Number.isSafeInteger(near) ? near : exact
}

/** `string.printable`: what a text property may hold. */
export function isPrintable(text: string): boolean {
  return /^[\x20-\x7e\t\n\r\v\f]*$/.test(text)
}

/** Bytes as strict ASCII, or undefined where Python raises UnicodeDecodeError. */
export function ascii(bytes: Buffer): string | undefined {
  return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined
}

/** Python's complaint about the first byte that is not ASCII. */
export function decodeComplaint(bytes: Buffer): string {
  const at = bytes.findIndex((byte) => byte >= 0x80)
  const byte = (bytes[at] ?? 0).toString(16)
  return `'ascii' codec can't decode byte 0x${byte} in position ${at}: ordinal not in range(128)`
}

/** Splits at the first separator; undefined where Python's tuple unpacking would fail. */
export function splitOnce(text: string, separator: string): [string, string] | undefined {
  const at = text.indexOf(separator)
  return at === -1 ? undefined : [text.slice(0, at), text.slice(at + separator.length)]
}

/** Sorts as Python sorts ASCII strings: by code point, whatever the locale. */
export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
