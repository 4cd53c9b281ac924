import { type SourceRange } from '../diagnostics/index.ts'

/** A text that places lie in. Its lines are counted when the first place is asked for. */
export class Text {
  readonly file: string
  readonly text: string
  /** Where each line starts, and the last one found: places are mostly asked for from the top to the end. */
  private lines: readonly number[] | undefined
  private index = 0

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** Index of the line that holds an offset. */
  lineOf(offset: number): number {
    if (offset >= this.startOf(this.index + 1)) this.index += 1
    if (offset < this.startOf(this.index) || offset >= this.startOf(this.index + 1))
      this.index = lastAtOrBefore(this.starts, offset)
    return this.index
  }

  /** Where a line starts; of the line after the last, one past the end. */
  startOf(line: number): number {
    return this.starts[line] ?? this.text.length + 1
  }

  private get starts(): readonly number[] {
    return (this.lines ??= startsOf(this.text))
  }
}

/**
 * A place from one offset to another, cut where its first line ends. Thousands are noted while a file is read and hardly one
 * is told, so that each works out what it is when it is asked.
 */
export class Place implements SourceRange {
  private readonly of: Text
  private readonly start: number
  private readonly end: number

  constructor(of: Text, start: number, end: number) {
    this.of = of
    this.start = start
    this.end = end
  }

  get file(): string {
    return this.of.file
  }

  get line(): number {
    return this.of.lineOf(this.from) + 1
  }

  get column(): number {
    return this.from - this.of.startOf(this.of.lineOf(this.from)) + 1
  }

  get length(): number {
    const last = Math.min(this.end, this.of.startOf(this.of.lineOf(this.from) + 1) - 1)
    return Math.max(this.of.text.slice(this.from, last).trimEnd().length, 1)
  }

  toJSON(): SourceRange {
    const { file, line, column, length } = this
    return { file, line, column, length }
  }

  private get from(): number {
    return Math.min(this.start, this.of.text.length)
  }
}

function startsOf(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** Index of the last of the ascending numbers that is not greater than a number; the first is not. */
function lastAtOrBefore(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((numbers[middle] ?? Infinity) <= limit) low = middle
    else high = middle - 1
  }
  return low
}
