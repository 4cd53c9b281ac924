import { widthOf } from '../../spec/diagnostics/index.ts'

export { fold, widthOf } from '../../spec/diagnostics/index.ts'

export type Paint = (text: string) => string

/** Colours, or none. Meaning never hangs on colour alone: there is always a sign or a word beside it. */
export interface Style {
  readonly width: number
  readonly bold: Paint
  readonly dim: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly red: Paint
  readonly cyan: Paint
}

const wrap =
  (on: number, off: number, color: boolean): Paint =>
  (text) =>
    color && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text

export function makeStyle(color: boolean, width: number): Style {
  return {
    width,
    bold: wrap(1, 22, color),
    dim: wrap(2, 22, color),
    green: wrap(32, 39, color),
    yellow: wrap(33, 39, color),
    red: wrap(31, 39, color),
    cyan: wrap(36, 39, color),
  }
}

export const padTo = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** Cells of a row, on one line where they fit; else what follows goes below, under an indent. */
export function layRow(cells: readonly string[], width: number, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const cell of cells) {
    const longer = line === '' ? cell : `${line}  ${cell}`
    if (line !== '' && widthOf(longer.trimEnd()) > width) {
      lines.push(line.trimEnd())
      line = `${indent}${cell}`
    } else line = longer
  }
  return [...lines, line.trimEnd()].join('\n')
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

const MOST_TOLD = 12

/** So many names in a sentence; the others are counted. */
export const someOf = (names: readonly string[]): string =>
  names.length <= MOST_TOLD
    ? names.join(', ')
    : `${names.slice(0, MOST_TOLD).join(', ')} and ${names.length - MOST_TOLD} more`
