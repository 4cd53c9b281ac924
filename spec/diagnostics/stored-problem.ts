import { type Code, isCode } from './codes.ts'
import { type Problem } from './problem.ts'
import { type SourceRange } from './source.ts'

/** Codes that stored documents of earlier versions hold. */
const RENAMED: Readonly<Record<string, Code>> = {
  'already-there': 'already-exists',
  'daemon-gone': 'daemon-unreachable',
  'daemon-said-no': 'daemon-error',
  'not-given-up': 'device-in-use',
  system: 'system-error',
}

/**
 * A problem as it stands in a stored document. Another version may have written it, with a code that this one does not
 * know; earlier ones wrote `why` or `refused` for the message and no code with it, beside what has a `problem` by now.
 */
export function readProblem(json: unknown): Problem {
  const stored = isObject(json) && 'problem' in json ? json['problem'] : json
  const { code, message, why, refused, hint, at } = isObject(stored) ? stored : {}
  const told = textOf(message ?? why ?? refused)
  const found = { hint: textOf(hint), ...(isRange(at) ? { at } : {}) }
  const known = typeof code === 'string' ? (RENAMED[code] ?? code) : ''
  if (isCode(known)) return { code: known, message: told, ...found }
  return { code: 'other-version', message: known === '' ? told : `${known}: ${told}`, ...found }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const isRange = (value: unknown): value is SourceRange =>
  isObject(value) &&
  typeof value['file'] === 'string' &&
  [value['line'], value['column'], value['length']].every((count) => Number.isSafeInteger(count))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
