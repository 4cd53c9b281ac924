/** A file of the manifest. The path is as the user gave it: positions repeat it, nothing opens it. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A part of a line of a file. Line and column count from 1. */
export interface SourceRange {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Length of the text meant, for the caret; at least 1. */
  readonly length: number
}

/** For what stands in no file. */
export const NOWHERE: SourceRange = { file: '', line: 1, column: 1, length: 1 }
