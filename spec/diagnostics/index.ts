/**
 * Problems and the places that they have in a text: the leaf that everything else may import.
 * It knows no setting, no file system and no terminal.
 */
export { type Code, type CodeOf, EXIT, domainOf, exitCodeOf, isCode } from './codes.ts'
export { errorAt, errorCount, invalid, keyOf, type Report, sortDiagnostics, warningAt } from './diagnostic.ts'
export { escapeForTerminal, isShowable } from './escape.ts'
export { fold, widthOf } from './fold.ts'
export { formatDiagnostics } from './format.ts'
export { explainPlaceholders, PLACEHOLDER } from './placeholders.ts'
export {
  type Diagnostic,
  hasCode,
  isDomain,
  located,
  type Problem,
  problem,
  QstateError,
  type Result,
  sourceOf,
} from './problem.ts'
export { NOWHERE, type SourceFile, type SourceRange } from './source.ts'
export { isSystemError, problemOf, systemProblem } from './system-error.ts'
export { formatRange, nearest, oneOf, quote, suggest, utcMinute } from './wording.ts'
