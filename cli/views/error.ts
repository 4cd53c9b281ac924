import { type Diagnostic, type Problem } from '../../spec/diagnostics/index.ts'

/** What went wrong, as `--json` says it. */
export const errorJson = (error: Problem, diagnostics: readonly Diagnostic[]): object => ({
  error,
  ...(diagnostics.length === 0 ? {} : { diagnostics }),
})
