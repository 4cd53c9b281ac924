import { escapeForTerminal } from './escape.ts'
import { excerpt } from './excerpt.ts'
import { fold } from './fold.ts'
import { type Diagnostic } from './problem.ts'
import { type SourceFile } from './source.ts'

export interface FormatOptions {
  readonly color: boolean
  /** Columns of the terminal: longer lines of a file are cut around what is meant. */
  readonly width: number
}

/** Diagnostics for a person: place, what is wrong, the line with a caret, what to do. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
  options: FormatOptions,
): string {
  const texts = new Map(sources.map(({ path, text }) => [path, text]))
  const lines = new Map<string, readonly string[]>()
  const linesOf = (file: string): readonly string[] => {
    const known = lines.get(file) ?? splitLines(texts.get(file) ?? '')
    lines.set(file, known)
    return known
  }
  return diagnostics.map((diagnostic) => format(diagnostic, linesOf, options)).join('')
}

/** Width of the line number and the bar after it. */
const GUTTER = 8
const MIN_WIDTH = 20

function format(
  { severity, message, hint, at }: Diagnostic,
  linesOf: (file: string) => readonly string[],
  { color, width }: FormatOptions,
): string {
  const paint = color ? PAINT : PLAIN
  const { file, line, column, length } = at
  const place = file === '' ? '' : `${paint.place(`${escapeForTerminal(file)}:${line}:${column}:`)} `
  const out = [`${place}${paint[severity](`${severity}:`)} ${escapeForTerminal(message)}`]
  const text = linesOf(file)[line - 1]
  if (text !== undefined && text !== '') {
    const { line: shown, caret } = excerpt(text, column, length, Math.max(width - GUTTER, MIN_WIDTH))
    out.push(`${paint.gutter(`${String(line).padStart(5)} | `)}${shown}`)
    out.push(`${paint.gutter('      | ')}${paint[severity](caret)}`)
  }
  if (hint !== '') {
    const text = fold(escapeForTerminal(hint), Math.max(width, MIN_WIDTH), ' '.repeat(GUTTER))
    out.push(`      ${paint.gutter('=')} ${text.trimStart()}`)
  }
  return `${out.join('\n')}\n`
}

/** Lines as positions count them: without a byte order mark, and whatever ends them. */
export const splitLines = (text: string): readonly string[] => text.replace(/^\uFEFF/, '').split(/\r?\n/)

type Paint = Readonly<Record<'place' | 'gutter' | 'error' | 'warning', (text: string) => string>>

const sgr =
  (codes: string) =>
  (text: string): string =>
    `\x1b[${codes}m${text}\x1b[0m`
const same = (text: string): string => text

const PLAIN: Paint = { place: same, gutter: same, error: same, warning: same }
const PAINT: Paint = { place: sgr('1'), gutter: sgr('2'), error: sgr('1;31'), warning: sgr('1;33') }
