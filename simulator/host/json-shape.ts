/** Strict reading of unknown JSON: every complaint says where. */

type JsonObject = Readonly<Record<string, unknown>>

export function asObject(value: unknown, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'an object')
  return value as JsonObject
}

export function asList(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, 'a list')
  return value as readonly unknown[]
}

export function asString(value: unknown, at: string): string {
  if (typeof value !== 'string') throw wrong(at, 'a string')
  return value
}

export function asStringOrNull(value: unknown, at: string): string | null {
  return value === null ? null : asString(value, at)
}

export function asBoolean(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw wrong(at, 'true or false')
  return value
}

export function asCount(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(at, 'a whole number')
  return value
}

export function asStrings(value: unknown, at: string): string[] {
  return asList(value, at).map((item, i) => asString(item, `${at}[${i}]`))
}

export function asStringRecord(value: unknown, at: string): Record<string, string> {
  const entries = Object.entries(asObject(value, at))
  return Object.fromEntries(entries.map(([key, item]) => [key, asString(item, `${at}.${key}`)]))
}

/** Unknown keys are a mistake, so that a misspelt one is noticed. `_note` and its like are remarks. */
export function refuseOthers(object: JsonObject, known: readonly string[], at: string): void {
  const other = Object.keys(object).find((key) => !known.includes(key) && !key.startsWith('_'))
  if (other !== undefined) throw new Error(`${at}: unknown key "${other}"; known are ${known.join(', ')}`)
}

export function wrong(at: string, wanted: string): Error {
  return new Error(`${at}: expected ${wanted}`)
}
