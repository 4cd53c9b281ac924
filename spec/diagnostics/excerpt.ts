import { isShowable } from './escape.ts'

/** A line as a terminal may show it, and where the caret goes. Text from a file is never markup: nothing acts on it. */
export interface Excerpt {
  readonly line: string
  readonly caret: string
}

const TAB = '→'

/** The part of a line around a column that fits a width, with a caret below what is meant. Columns count from 1. */
export function excerpt(text: string, column: number, length: number, width: number): Excerpt {
  // A file may be one line of a million characters: only what can be seen is looked at.
  const near = Math.max(column - 1 - 2 * width, 0)
  const far = column - 1 + 2 * width
  const cells = cellsOf(text.slice(near, far))
  const from = cellAt(cells, column - 1 - near)
  const to = Math.max(cellAt(cells, column - 1 - near + length), from + 1)
  const [start, end] = windowOf(cells, from, width)
  const left = near + start > 0 ? '…' : ''
  const right = far < text.length || end < cells.length ? '…' : ''
  const before = left.length + widthOf(cells.slice(start, from))
  const below = Math.max(widthOf(cells.slice(from, Math.min(to, end))), 1)
  return {
    line: `${left}${shown(cells.slice(start, end))}${right}`,
    caret: `${' '.repeat(before)}${'^'.repeat(below)}`,
  }
}

/** One character with what is combined with it: how it is shown, how wide, and where it starts. */
interface Cell {
  readonly text: string
  readonly width: number
  readonly offset: number
}

function cellsOf(text: string): readonly Cell[] {
  const cells: Cell[] = []
  let offset = 0
  for (const character of text) {
    cells.push({ ...shownAs(character), offset })
    offset += character.length
  }
  return cells
}

function shownAs(character: string): Pick<Cell, 'text' | 'width'> {
  const code = character.codePointAt(0) ?? 0
  if (character === '\t') return { text: TAB, width: 1 }
  // The pictures of control characters: U+2400 onwards.
  if (code < 0x20) return { text: String.fromCharCode(0x2400 + code), width: 1 }
  if (code === 0x7f) return { text: '␡', width: 1 }
  if (!isShowable(character)) return { text: '�', width: 1 }
  if (COMBINING.test(character)) return { text: character, width: 0 }
  return { text: character, width: WIDE.test(character) ? 2 : 1 }
}

const COMBINING = /^[\p{Mn}\p{Me}]$/u
/** East Asian wide ranges and pictures, near enough for a caret. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u

/** Index of the cell at an offset; past the end, one more than the last. */
function cellAt(cells: readonly Cell[], offset: number): number {
  const index = cells.findIndex((cell) => cell.offset >= offset)
  return index < 0 ? cells.length : index
}

const widthOf = (cells: readonly Cell[]): number => cells.reduce((sum, cell) => sum + cell.width, 0)

/** Cells from and to that fit: a third of the room before what is meant, more where the line ends soon after it. */
function windowOf(cells: readonly Cell[], from: number, width: number): readonly [number, number] {
  if (widthOf(cells) <= width) return [0, cells.length]
  const room = Math.max(width - 2, 1)
  const ahead = Math.max(Math.floor(room / 3), room - widthOf(cells.slice(from)))
  let start = from
  for (let used = 0; start > 0; start -= 1) {
    used += cells[start - 1]?.width ?? 0
    if (used > ahead) break
  }
  let end = start
  for (let used = 0; end < cells.length; end += 1) {
    used += cells[end]?.width ?? 0
    if (used > room) break
  }
  return [start, end]
}

const shown = (cells: readonly Cell[]): string => cells.map((cell) => cell.text).join('')
