import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  parseAssigned,
  parseAvailable,
  parseAvailable42,
  parseList,
  parseList42,
  parseNames,
  parseProperties,
  parseProperty,
  parseSomeProperties,
} from '../../qubesd/parse.ts'
import { exchanges, okText } from './support.ts'

const SOME_NAMES = ['memory', 'kernel', 'netvm']

/** Every way in which qubesd's text is read, on every text: a parser must bear the answers of all the others. */
const READERS: readonly ((text: string) => unknown)[] = [
  parseList,
  parseProperty,
  parseProperties,
  (text) => {
    const some = parseSomeProperties(text)
    return some && SOME_NAMES.flatMap((name) => some(name) ?? [])
  },
  (text) => parseNames(text, /^[\x20-\x7e]*$/),
  parseAssigned,
  parseAvailable,
  (text) => parseAvailable42(text, 'BACKEND'),
  parseList42,
]

/** What a reader adds of its own: 4.2 tells neither identity nor mode, and the caller knows the backend. */
const OWN = new Set(['*', 'auto-attach', 'BACKEND', ''])

const ANSWERS = [
  ...new Set(
    exchanges()
      .flatMap((exchange) => okText(exchange) ?? [])
      .filter((text) => text !== '' && text.length < 4000),
  ),
]

const SPLINTERS = fc.oneof(
  fc.constantFrom(
    '\n',
    ' ',
    "'",
    "\\'",
    '\\',
    '=',
    "' mode='required",
    " attachment='dom0'",
    ' persistent=yes',
    ' description=',
    ' uuid=',
    'default=True type=str ',
    '\0',
    '\r',
    '\x1b[2J',
    '\ufffd',
    '\u202e',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

const edit = fc.record({
  at: fc.nat(),
  remove: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 200 })),
  repeat: fc.nat({ max: 2 }),
  insert: SPLINTERS,
})

const mutated = fc
  .tuple(fc.constantFrom(...ANSWERS), fc.array(edit, { minLength: 1, maxLength: 4 }))
  .map(([answer, edits]) =>
    edits.reduce((text, { at, remove, repeat, insert }) => {
      const start = at % (text.length + 1)
      const taken = text.slice(start, start + remove)
      return text.slice(0, start) + taken.repeat(repeat) + insert + text.slice(start + remove)
    }, answer),
  )

test('the laws are tried on answers of every kind', () => {
  assert.ok(ANSWERS.length > 80)
  for (const parse of READERS) assert.ok(ANSWERS.some((answer) => isFull(parse(answer))))
})

test('a damaged answer is refused or read, and what is read was in it', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      for (const parse of READERS) {
        const value = parse(text)
        if (value === undefined) continue
        const sources = [text, text.replaceAll("\\'", "'"), text.replace(/\\(.)/g, unescaped)]
        for (const word of strings(value))
          assert.ok(OWN.has(word) || comesFrom(word, sources), JSON.stringify(word))
      }
    }),
    { numRuns: 3000 },
  )
})

test('a damaged answer never gives more values than it has lines', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      for (const parse of READERS) {
        const value = parse(text)
        const count = Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0
        assert.ok(count <= text.split('\n').length)
      }
    }),
    { numRuns: 1000 },
  )
})

const unescaped = (_: string, c: string): string => (c === 'n' ? '\n' : c)

/** A description is two values of the answer with a space between. */
function comesFrom(word: string, sources: readonly string[]): boolean {
  const isThere = (part: string): boolean => sources.some((source) => source.includes(part))
  if (isThere(word)) return true
  for (let space = word.indexOf(' '); space !== -1; space = word.indexOf(' ', space + 1)) {
    if (isThere(word.slice(0, space)) && isThere(word.slice(space + 1))) return true
  }
  return false
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (value instanceof Map) return [...value].flatMap(strings)
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}

function isFull(value: unknown): boolean {
  return strings(value).length > 0
}
