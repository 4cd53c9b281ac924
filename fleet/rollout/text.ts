import { escapeForTerminal, isRange, type Problem, readProblem } from '../../spec/diagnostics/index.ts'

const MAX_TEXT = 2000
const COMMIT = /^[0-9a-f]{40,64}$/

/** Anything that moves a cursor, hides, or turns the direction of writing: a terminal will see what hosts say. */
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** Text of a host that may be shown. One that holds anything else is not believed at all. */
export const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT && !UNSEEN.test(value)

export const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value)

/** A problem as a host tells it, if it may be shown. */
export function isProblemOrNull(json: unknown): boolean {
  if (json === null) return true
  if (typeof json !== 'object') return false
  const { code, message, hint, at } = json as Partial<Record<keyof Problem, unknown>>
  const isPlace = at === undefined || (isRange(at) && isText(at.file))
  return isText(code) && isText(message) && isText(hint) && isPlace
}

/** The same, with a code that this version knows. */
export const problemIn = (json: unknown): Problem | null => (json === null ? null : readProblem(json))

/** A problem of a host's own, so that it can be believed. */
export const believableProblem = ({ code, message, hint, at }: Problem): Problem => ({
  code,
  message: believable(message),
  hint: believable(hint),
  ...(at === undefined ? {} : { at: { ...at, file: believable(at.file) } }),
})

export const isCommit = (value: unknown): value is string => typeof value === 'string' && COMMIT.test(value)

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** What a host says itself, so that it can be believed. */
export const believable = (text: string): string => escapeForTerminal(text, { max: MAX_TEXT, newlines: true })
