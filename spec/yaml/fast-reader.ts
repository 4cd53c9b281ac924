import {
  COLLECTION_STYLE,
  type Event,
  EVENT_ID,
  getScalarValue,
  type MappingEvent,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml'
import { type Entry, type Written, type WrittenText } from './node.ts'
import { Place, type Text } from './source-text.ts'

/**
 * The documents of a text that is sound and says nothing unusual, read in a fifth of the time that the reader of
 * yaml-documents.ts takes: which gives the same tree, and is asked wherever this one does not answer. It answers nothing
 * (undefined) where anything is wrong, since it cannot tell what, and where there are anchors, aliases, tags, directives
 * or other marks by which a small text becomes a large one, or on which readers of YAML do not agree.
 */
export function readSoundYaml(of: Text): readonly Written[] | undefined {
  const { text } = of
  if (UNUSUAL.test(text)) return undefined
  let events: readonly Event[]
  try {
    events = parseEvents(text, { maxDepth: MAX_DEPTH })
  } catch {
    return undefined
  }
  if (events.length > MAX_EVENTS) return undefined
  return documentsOf({ of, events, next: 0, end: 0 })
}

/**
 * Tabs, other line ends than ours, byte order marks inside; directives, marks of documents out of place; anchors, tags and
 * keys of several lines, or what looks like them.
 */
const UNUSUAL = /[\t\u0085\u2028\u2029\uFEFF]|\r(?!\n)|^(?:%| +---| +\.\.\.)|(?:^|[\s[{,])(?:[&!]|\?\s)/m

/** Levels, and parts, of a file that nobody would doubt. */
const MAX_DEPTH = 24
const MAX_EVENTS = 80_000
const MAX_KEY = 1000

interface Walk {
  readonly of: Text
  readonly events: readonly Event[]
  next: number
  /** Where the last part that was read ended. */
  end: number
}

function documentsOf(walk: Walk): readonly Written[] | undefined {
  const documents: Written[] = []
  while (walk.next < walk.events.length) {
    const event = take(walk)
    if (event?.type !== EVENT_ID.DOCUMENT || event.directives.length > 0) return undefined
    const document = read(walk)
    if (document === undefined || take(walk)?.type !== EVENT_ID.POP) return undefined
    if (document.kind !== 'null') documents.push(document)
  }
  return documents
}

const take = (walk: Walk): Event | undefined => walk.events[walk.next++]

function read(walk: Walk): Written | undefined {
  const event = take(walk)
  switch (event?.type) {
    case EVENT_ID.SCALAR:
      return readScalar(event, walk)
    case EVENT_ID.MAPPING:
      return readMap(event, walk)
    case EVENT_ID.SEQUENCE:
      return readList(event, walk)
    default:
      return undefined
  }
}

function readMap(event: MappingEvent, walk: Walk): Written | undefined {
  // A list may hold `key: value` without braces, which hardly anybody knows.
  if (event.style === COLLECTION_STYLE.FLOW && walk.of.text.charAt(event.start) !== '{') return undefined
  const entries = new Map<string, Entry>()
  walk.end = event.start + 1
  while (walk.events[walk.next]?.type !== EVENT_ID.POP) {
    const key = read(walk)
    if (key?.kind !== 'text' || key.value.length > MAX_KEY || entries.has(key.value)) return undefined
    if (key.value === '<<' && key.plain) return undefined
    const value = readValue(key, walk)
    if (value === undefined) return undefined
    entries.set(key.value, { key, value })
  }
  return { kind: 'map', entries, position: close(event, walk) }
}

/** Where nothing stands after the colon the key is the only place to point to. */
function readValue(key: WrittenText, walk: Walk): Written | undefined {
  const event = walk.events[walk.next]
  if (event?.type !== EVENT_ID.SCALAR || event.valueStart >= 0) return read(walk)
  walk.next += 1
  return { kind: 'null', position: key.position }
}

function readList(event: SequenceEvent, walk: Walk): Written | undefined {
  const items: Written[] = []
  walk.end = event.start + 1
  while (walk.events[walk.next]?.type !== EVENT_ID.POP) {
    const item = read(walk)
    if (item === undefined || (event.style === COLLECTION_STYLE.BLOCK && !endsItsLine(walk))) return undefined
    items.push(item)
  }
  return { kind: 'list', items, position: close(event, walk) }
}

/** js-yaml lets other things follow an item on its line. */
function endsItsLine({ of, end }: Walk): boolean {
  REST_OF_LINE.lastIndex = end
  return REST_OF_LINE.test(of.text)
}

const REST_OF_LINE = / *:?(?: +#.*| *)\r?$/my

/** The place of a collection of which everything has been read. One without brackets goes on to the end of its line. */
function close({ type, start, style }: MappingEvent | SequenceEvent, walk: Walk): Place {
  walk.next += 1
  if (style === COLLECTION_STYLE.BLOCK) return new Place(walk.of, start, Infinity)
  walk.end = find(type === EVENT_ID.MAPPING ? '}' : ']', walk.of.text, walk.end) + 1
  return new Place(walk.of, start, walk.end)
}

/** Where a mark stands next, comments passed over. */
function find(mark: string, text: string, from: number): number {
  let at = from
  while (at < text.length && text.charAt(at) !== mark) {
    if (text.charAt(at) === '#') at = lineEnd(text, at)
    else at += 1
  }
  return at
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function readScalar(event: ScalarEvent, walk: Walk): Written | undefined {
  const { style, valueStart, valueEnd, fast } = event
  const { of } = walk
  if (valueStart < 0) return undefined
  const value = getScalarValue(of.text, event)
  const asWritten = fast || (valueEnd - valueStart === value.length && of.text.startsWith(value, valueStart))
  if (style === SCALAR_STYLE.PLAIN) {
    walk.end = valueEnd
    return plainScalar(value, asWritten, new Place(of, valueStart, valueEnd))
  }
  if (style !== SCALAR_STYLE.SINGLE_QUOTED && style !== SCALAR_STYLE.DOUBLE_QUOTED) return undefined
  walk.end = valueEnd + 1
  const position = new Place(of, valueStart - 1, walk.end)
  return { kind: 'text', value, plain: false, shift: asWritten ? 1 : null, position }
}

/** A scalar without quotes, by the core schema of YAML 1.2. */
function plainScalar(value: string, asWritten: boolean, position: Place): Written {
  const word = WORDS.get(value)
  if (word !== undefined)
    return word === null ? { kind: 'null', position } : { kind: 'bool', value: word, position }
  if (MAY_BE_NUMBER.test(value)) {
    const number = numberOf(value)
    if (number !== undefined) return { kind: 'number', value: number, source: value, position }
  }
  return { kind: 'text', value, plain: true, shift: asWritten ? 0 : null, position }
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
])
const MAY_BE_NUMBER = /^[-+.0-9]/
const DECIMAL = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$/
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/

function numberOf(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text)
  if (/^0o[0-7]+$/.test(text)) return parseInt(text.slice(2), 8)
  if (/^0x[0-9a-fA-F]+$/.test(text)) return parseInt(text.slice(2), 16)
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return NOT_A_NUMBER.test(text) ? NaN : undefined
}
