import { escapeForTerminal, type Problem } from '../../spec/diagnostics/index.ts'

/** Longer text of a host is not believed. */
export const MAX_HOST_TEXT = 2000

/** Lines of its plan that a host tells. */
export const MAX_CHANGES = 2000

/** Nothing that moves a cursor, hides, or turns the direction of writing: a terminal will see what hosts say. */
export const HOST_TEXT = /^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/

/** What a host says itself, so that it can be believed. */
export const asHostText = (text: string, max = MAX_HOST_TEXT): string =>
  escapeForTerminal(text, { max, newlines: true })

/** A problem of a host's own, so that it can be believed. */
export const asHostProblem = ({ code, message, hint, at }: Problem): Problem => ({
  code,
  message: asHostText(message),
  hint: asHostText(hint),
  ...(at === undefined ? {} : { at: { ...at, file: asHostText(at.file) } }),
})
