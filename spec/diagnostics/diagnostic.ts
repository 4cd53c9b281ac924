import { type Position } from './source.ts'

/** Advice on what somebody wrote. Collected, never thrown; an error keeps the spec from being used. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** A stable word for tests and tools, `unknown-key`, `unknown-model`, `duplicate-key` … */
  readonly code: string
  /** One line: what is wrong. Starts in lower case, no full stop. */
  readonly message: string
  /** What was expected, the nearest valid word, what to do. */
  readonly hint: string
  readonly position: Position
}

/** A diagnostic before somebody knows its place. */
export type Problem = Pick<Diagnostic, 'code' | 'message' | 'hint'>

export type Report = (diagnostic: Diagnostic) => void

export const problem = (code: string, message: string, hint: string): Problem => ({ code, message, hint })

export const errorAt = (position: Position, what: Problem): Diagnostic => ({
  severity: 'error',
  ...what,
  position,
})

export const warningAt = (position: Position, what: Problem): Diagnostic => ({
  severity: 'warning',
  ...what,
  position,
})

/** The same advice on the same place, whichever qube led to it, has the same key. */
export function keyOf({ severity, code, message, position }: Diagnostic): string {
  return JSON.stringify([position.file, position.line, position.column, severity, code, message])
}

/** In the order of the files, each piece of advice once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const unique = new Map<string, Diagnostic>()
  for (const diagnostic of diagnostics) {
    const key = keyOf(diagnostic)
    if (!unique.has(key)) unique.set(key, diagnostic)
  }
  return [...unique.values()].sort(
    (a, b) =>
      compare(a.position.file, b.position.file) ||
      a.position.line - b.position.line ||
      a.position.column - b.position.column ||
      compare(a.severity, b.severity) ||
      compare(a.code, b.code) ||
      compare(a.message, b.message),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
