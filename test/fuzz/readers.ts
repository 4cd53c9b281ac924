import assert from 'node:assert/strict'
import { readAnyYaml } from '../../spec/yaml/documents.ts'
import { readSoundYaml } from '../../spec/yaml/fast-reader.ts'
import { type Written } from '../../spec/yaml/node.ts'
import { Text } from '../../spec/yaml/source-text.ts'
import { mutate, type Random } from './random.ts'
import { SAMPLES } from './specs.ts'

const BITS = [
  '{',
  '}',
  '[',
  ']',
  ', ',
  ',',
  ': ',
  ':',
  '- ',
  '-',
  '? ',
  '# c',
  ' # c',
  ' ',
  '  ',
  '\\',
  '=',
  '@',
  '`',
  '%',

  '\n',
  '\n ',
  '\n  ',
  '\n    ',
  '\r\n',
  '\n- a',
  '\nx: ',
  '\n? a\n: b',
  '---\n',
  '...\n',
  '\t',
  '\u0007',
  '\ufeff',

  '"',
  "'",
  '""',
  "''",
  '"a":b',
  '{ "a": 1 }',
  '{a: b}',
  '[a, b]',
  '|',
  '>',
  '|-\n  ',
  '>+\n',
  '"\\x41"',
  "'it''s'",

  'a',
  'b',
  'abc: ',
  'key: value',
  'a:b',
  '-x',
  '?x',
  ':x',
  'http://x:80',
  'sys-usb+2-1:*',
  '__proto__: 1',
  '💻',
  'é',

  'off',
  'null',
  '~',
  'yes',
  'true',
  'FALSE',
  '0755',
  '1e999',
  '-0',
  '.inf',
  '.nan',
  '0x10',
  '0o17',
  '+.5',
  '1.',
  '.',

  '*a',
  '&a ',
  '!x ',
  '<<: ',
  '2026-01-01',
]

const SHAPES = [
  'a: 1\nb:\n  c: [x, y]\n  d: {e: f}\n',
  'a:\n- b\n- c\nd:\n  - e: f\n    g: "h"\n',
  '- a\n- - b\n  - c\n- {x: [1,{y: 2}]}\n- [ "a":b, c ]\n',
  'q: "a\n  b"\nz: \'c\n  d\'\nw: plain\n  goes on\n',
]

/**
 * What the quick reader of YAML answers is what the other one reads, to the last place, and nothing is wrong with it. Tells
 * whether it answered.
 */
export function fuzzReaders(random: Random): boolean {
  const text = textOf(random)
  const of = new Text('fuzz.yaml', text.replace(/^\uFEFF/, ''))
  const quick = readSoundYaml(of)
  if (quick === undefined) return false
  const told: unknown[] = []
  const { documents, broken } = readAnyYaml(of, (diagnostic) => told.push(diagnostic))
  assert.deepEqual({ told, broken }, { told: [], broken: false }, JSON.stringify(text))
  assert.deepEqual(quick.map(shown), documents.map(shown), JSON.stringify(text))
  return true
}

function textOf(random: Random): string {
  if (random.below(2) === 0) {
    return Array.from({ length: 1 + random.below(12) }, () => random.pick(BITS)).join('')
  }
  const sample = random.below(2) === 0 ? Buffer.from(random.pick(SHAPES)) : random.pick(SAMPLES)
  return mutate(sample, random, BITS).toString('utf8')
}

/** With every place worked out. */
function shown(written: Written): unknown {
  const position = JSON.stringify(written.position)
  switch (written.kind) {
    case 'map':
      return {
        position,
        map: [...written.entries.values()].map(({ key, value }) => [shown(key), shown(value)]),
      }
    case 'list':
      return { position, list: written.items.map(shown) }
    default:
      return { ...written, position }
  }
}
