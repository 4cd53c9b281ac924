import { quote, type SourceRange } from '../diagnostics/index.ts'

/**
 * A document as it was written: values with their places, aliases and merge keys followed.
 *
 * What an alias stands for is the same object in both places, so an expanded document costs no memory.
 */
export type Written = WrittenMap | WrittenList | WrittenScalar
type WrittenScalar = WrittenText | WrittenNumber | WrittenBool | WrittenNull

export interface WrittenMap {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
  readonly position: SourceRange
}

export interface Entry {
  readonly key: WrittenText
  readonly value: Written
}

interface WrittenList {
  readonly kind: 'list'
  readonly items: readonly Written[]
  readonly position: SourceRange
}

export interface WrittenText {
  readonly kind: 'text'
  readonly value: string
  /** Without quotes, so that an older YAML, or a person, may take it for something else. */
  readonly plain: boolean
  /** Columns from the place to the first character of the value where each was written as itself, else null. */
  readonly shift: 0 | 1 | null
  readonly position: SourceRange
}

export interface WrittenNumber {
  readonly kind: 'number'
  readonly value: number
  /** As written: `0755`, `1e3`. */
  readonly source: string
  readonly position: SourceRange
}

interface WrittenBool {
  readonly kind: 'bool'
  readonly value: boolean
  readonly position: SourceRange
}

interface WrittenNull {
  readonly kind: 'null'
  readonly position: SourceRange
}

/** The value as JSON has it, for the schema. Maps have no prototype: `__proto__` is a key like any other. */
export function plainValue(written: Written): unknown {
  switch (written.kind) {
    case 'map': {
      const object = Object.create(null) as Record<string, unknown>
      written.entries.forEach((entry, key) => {
        object[key] = plainValue(entry.value)
      })
      return object
    }
    case 'list':
      return written.items.map(plainValue)
    case 'null':
      return null
    default:
      return written.value
  }
}

/** The place that a JSON Pointer leads to. */
export function follow(root: Written, pointer: string): Written | undefined {
  let here: Written | undefined = root
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    if (here.kind === 'map') here = here.entries.get(key)?.value
    else if (here.kind === 'list') here = here.items[Number(key)]
    else return undefined
    if (here === undefined) return undefined
  }
  return here
}

/** What a value is, in a message: `the text "x"`, `the number 5`, `a list`. */
export function describe(written: Written): string {
  switch (written.kind) {
    case 'map':
      return 'a map'
    case 'list':
      return 'a list'
    case 'text':
      return `the text ${quote(written.value)}`
    case 'number':
      return `the number ${written.source.slice(0, 60)}`
    case 'bool':
      return String(written.value)
    case 'null':
      return 'nothing'
  }
}

/** The place of a part of a text, for the caret; the whole text where escapes or folds hide the part. */
export function partOf(text: WrittenText, start: number, length: number): SourceRange {
  const { position, shift } = text
  if (shift === null || length < 1) return position
  const { file, line, column } = position
  return { file, line, column: column + shift + start, length }
}

/** The value of a key of a map. */
export function get(written: Written | undefined, key: string): Written | undefined {
  return written?.kind === 'map' ? written.entries.get(key)?.value : undefined
}

/** The same tree from values that no file holds: the built-in profiles. */
export function writtenFrom(value: unknown, position: SourceRange): Written {
  const text = (words: string): WrittenText => {
    return { kind: 'text', value: words, plain: false, shift: null, position }
  }
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item) => writtenFrom(item, position)), position }
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, inner]) => [key, { key: text(key), value: writtenFrom(inner, position) }] as const,
    )
    return { kind: 'map', entries: new Map(entries), position }
  }
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number') return { kind: 'number', value, source: String(value), position }
  if (typeof value === 'boolean') return { kind: 'bool', value, position }
  return { kind: 'null', position }
}
