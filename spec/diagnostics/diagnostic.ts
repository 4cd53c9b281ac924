import { type CodeOf } from './codes.ts'
import { type Diagnostic, located, problem, type Problem, QstateError } from './problem.ts'
import { type SourceRange } from './source.ts'

export type Report = (diagnostic: Diagnostic) => void

export const errorAt = (at: SourceRange, what: Problem): Diagnostic => ({ severity: 'error', ...what, at })

export const warningAt = (at: SourceRange, what: Problem): Diagnostic => ({
  severity: 'warning',
  ...what,
  at,
})

/** `2 errors` */
export function errorCount(diagnostics: readonly Diagnostic[]): string {
  const count = diagnostics.filter(({ severity }) => severity === 'error').length
  return `${count} ${count === 1 ? 'error' : 'errors'}`
}

/** Ends what needs something that somebody wrote, and that has errors: these go with it. */
export function invalid(
  code: CodeOf<'spec'>,
  message: string,
  diagnostics: readonly Diagnostic[],
): QstateError {
  const first = diagnostics.find(({ severity }) => severity === 'error')
  const what = problem(code, message, 'correct its errors, then run this again')
  return new QstateError(located(what, first?.at), { diagnostics })
}

/** The same advice on the same place, whichever qube led to it, has the same key. */
export function keyOf({ severity, code, message, at }: Diagnostic): string {
  return JSON.stringify([at.file, at.line, at.column, severity, code, message])
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
      compare(a.at.file, b.at.file) ||
      a.at.line - b.at.line ||
      a.at.column - b.at.column ||
      compare(a.severity, b.severity) ||
      compare(a.code, b.code) ||
      compare(a.message, b.message),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
