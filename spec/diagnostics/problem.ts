import { escapeForTerminal } from './escape.ts'
import { type Code, type Domain, domainOf } from './codes.ts'
import { type SourceRange } from './source.ts'

/** What is wrong, for a program and for a person. */
export interface Problem {
  readonly code: Code
  /** One line: what is wrong, and with what. Starts in lower case, no full stop. */
  readonly message: string
  /** What to do. May be empty. */
  readonly hint: string
  /** The line that it stems from, where it stems from one. */
  readonly at?: SourceRange
}

/** Advice on what somebody wrote. Collected, never thrown; an error keeps the spec from being used. */
export interface Diagnostic extends Problem {
  readonly severity: 'error' | 'warning'
  readonly at: SourceRange
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** Text of somebody else's in it is escaped: the message is one line, whatever it quotes. */
export const problem = (code: Code, message: string, hint: string): Problem => ({
  code,
  message: escapeForTerminal(message),
  hint: escapeForTerminal(hint, { newlines: true }),
})

/** With the line that it stems from, where one is known. */
export const located = (what: Problem, range: SourceRange | undefined): Problem =>
  what.at !== undefined ? what : { ...what, ...sourceOf(range) }

/** Where something stems from, if from a file, as plain JSON: the ranges of a reader hold on to the whole text. */
export function sourceOf(range: SourceRange | undefined): { readonly at?: SourceRange } {
  if (range === undefined || range.file === '') return {}
  const { file, line, column, length } = range
  return { at: { file, line, column, length } }
}

interface Circumstances {
  /** All that is wrong with what somebody wrote. */
  readonly diagnostics?: readonly Diagnostic[]
  readonly cause?: unknown
}

/** Every failure that is understood. Anything else that is thrown is a bug. */
export class QstateError extends Error {
  override readonly name: string = 'QstateError'
  /** Private, so that a log that takes an error's fields takes no text of a value. */
  readonly #problem: Problem
  readonly diagnostics: readonly Diagnostic[]

  constructor(problem: Problem, { cause, diagnostics = [] }: Circumstances = {}) {
    super(problem.message, cause === undefined ? {} : { cause })
    this.#problem = problem
    this.diagnostics = diagnostics
  }

  get problem(): Problem {
    return this.#problem
  }

  get code(): Code {
    return this.#problem.code
  }

  get hint(): string {
    return this.#problem.hint
  }

  /** The same may succeed later with nothing changed by anyone. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }

  /** Nothing further can be done on this host: the daemon is gone, or the run is being stopped. */
  get fatal(): boolean {
    return FATAL.has(this.code)
  }
}

const RETRYABLE: ReadonlySet<Code> = new Set(['daemon-unreachable', 'git-failed', 'git-timeout', 'timeout'])

const FATAL: ReadonlySet<Code> = new Set(['aborted', 'daemon-unreachable', 'journal'])

export const isDomain = (error: unknown, ...domains: readonly Domain[]): error is QstateError =>
  error instanceof QstateError && domains.includes(domainOf(error.code))

export const hasCode = (error: unknown, ...codes: readonly Code[]): error is QstateError =>
  error instanceof QstateError && codes.includes(error.code)
