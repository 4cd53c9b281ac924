/**
 * Problems and the places that they have in a text: the leaf that everything else may import.
 * It knows no setting, no file system and no terminal.
 */
export {
  type Diagnostic,
  errorAt,
  keyOf,
  type Problem,
  problem,
  type Report,
  sortDiagnostics,
  warningAt,
} from './diagnostic.ts'
export { formatDiagnostics } from './format.ts'
export { explainPlaceholders, PLACEHOLDER } from './placeholders.ts'
export { NOWHERE, type Position, type SourceFile } from './source.ts'
export { at, nearest, oneOf, quote, suggest } from './wording.ts'
