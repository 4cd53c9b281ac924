import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { desiredOf, HANGS_MS, HEAD, settingsOf, source } from './manifests.ts'

/** `line:column+length code` of everything told. */
function told(text: string): readonly string[] {
  return loadManifest([source(text)]).diagnostics.map(
    ({ at: { line, column, length }, code }) => `${line}:${column}+${length} ${code}`,
  )
}

const TRAPS: readonly {
  readonly reason: string
  readonly yaml: string
  readonly expected: readonly string[]
}[] = [
  { reason: 'a tab is no indentation', yaml: 'qubes:\n  a:\n\taudio: ich6\n', expected: ['4:1+1 yaml-tab'] },
  { reason: 'a key twice', yaml: 'qubes:\n  a: {}\n  b: {}\n  a: {}\n', expected: ['5:3+1 duplicate-key'] },
  { reason: 'a key twice, quoted', yaml: 'qubes: { a: {}, "a": {} }\n', expected: ['2:17+3 duplicate-key'] },
  {
    reason: 'keys that are no text',
    yaml: 'qubes: { a: { qube: { 1: x, true: x, ~: x, [a]: x, {}: x } } }\n',
    expected: ['2:23+1 key-type', '2:29+4 key-type', '2:38+1 key-type', '2:44+3 key-type', '2:52+2 key-type'],
  },
  {
    reason: 'a value that contains itself',
    yaml: 'qubes: { a: &a { qube: *a } }\n',
    expected: ['2:24+2 yaml-alias'],
  },
  {
    reason: 'a merge of itself',
    yaml: 'qubes: { a: &a { <<: *a } }\n',
    expected: ['2:22+2 yaml-alias'],
  },
  { reason: 'an alias of nothing', yaml: 'qubes: { a: *b }\n', expected: ['2:13+2 yaml-alias'] },
  {
    reason: 'a merge of what is no map',
    yaml: 'qubes: { a: { <<: [5, x] } }\n',
    expected: ['2:20+1 merge-key', '2:23+1 merge-key'],
  },
  {
    reason: 'two merge keys',
    yaml: 'profiles: { a: &a {} }\nqubes: { a: { <<: *a, <<: *a } }\n',
    expected: ['3:23+2 duplicate-key'],
  },
  { reason: 'a tag of an application', yaml: 'name: !env NAME\n', expected: ['2:7+4 yaml-tag'] },
  { reason: 'binary data', yaml: 'name: !!binary aGk=\n', expected: ['2:7+8 yaml-tag'] },
  { reason: 'a set', yaml: 'qubes: !!set { a }\n', expected: ['2:8+5 yaml-tag'] },
  { reason: 'a time', yaml: 'name: !!timestamp 2024-01-31\n', expected: ['2:7+11 yaml-tag'] },
  { reason: 'a number by its tag', yaml: 'name: !!int "5"\n', expected: ['2:13+3 wrong-type'] },
  {
    reason: 'a quote that is never closed',
    yaml: 'name: "abc\nqubes: {}\n',
    expected: ['2:7+4 yaml-syntax'],
  },
  {
    reason: 'a bracket that is never closed',
    yaml: 'qubes: { a: { usb: [x }\n',
    expected: ['2:20+4 yaml-syntax'],
  },
  { reason: 'a reserved character', yaml: 'name: @x\n', expected: ['2:7+1 yaml-syntax'] },
  { reason: 'a map inside a value', yaml: 'name: a: b\n', expected: ['2:7+1 yaml-syntax'] },
  { reason: 'a key out of line', yaml: 'qubes:\n  a: {}\n b: {}\n', expected: ['4:1+1 yaml-syntax'] },
  { reason: 'a windows path in double quotes', yaml: 'name: "c:\\q"\n', expected: ['2:10+1 yaml-syntax'] },
]

for (const { reason, yaml, expected } of TRAPS) {
  test(`a trap of YAML is caught at its place: ${reason}`, () => {
    assert.deepEqual(told(HEAD + yaml), expected)
  })
}

test('another version of YAML is refused, ours may be named', () => {
  assert.deepEqual(told(`%YAML 1.1\n---\n${HEAD}`), ['1:1+9 yaml-version'])
  assert.deepEqual(told(`%YAML 1.2\n---\n${HEAD}`), [])
})

test('a byte order mark and carriage returns move nothing', () => {
  assert.deepEqual(told('\uFEFFapiVersion: qstate/v1\r\nqubes:\r\n  a: { audio: ich9 }\r\n'), [
    '3:15+4 unknown-model',
  ])
  assert.deepEqual(told('\uFEFFapiVersion: qstate/v2\r\n'), ['1:13+9 bad-value'])
})

test('what is wrong with an aliased value is told where the value stands', () => {
  const text = `${HEAD}profiles:
  p: &p { audio: &m ich9 }
qubes:
  a: *p
  b: { <<: *p, qube: { memory: x } }
  c: { audio: *m }
`
  assert.deepEqual(told(text), ['3:21+4 unknown-model', '6:32+1 wrong-type'])
})

test('merge keys give what a map does not say itself, the first source first', () => {
  const text = `${HEAD}profiles:
  x: &x { vcpus: 1, memory: 100 }
  y: &y { vcpus: 2, debug: true }
qubes:
  win: { qube: { <<: [*x, *y], memory: 300 } }
`
    .replace('profiles:\n  x: &x {', 'profiles:\n  x: { qube: &x {')
    .replace('100 }', '100 } }')
    .replace('y: &y {', 'y: { qube: &y {')
    .replace('true }', 'true } }')
  assert.deepEqual(settingsOf(desiredOf([source(text)])), {
    'qube/debug': true,
    'qube/memory': 300,
    'qube/vcpus': 1,
  })
})

test('a ten-level alias bomb is refused at once', () => {
  const levels = Array.from(
    { length: 10 },
    (_, n) => `b${n}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`,
  )
  const text = `${HEAD}a: &a0 [x, x, x, x, x, x, x, x, x, x]\n${levels.join('\n')}\n`
  const [heap, start] = [process.memoryUsage().heapUsed, performance.now()]
  assert.deepEqual(told(text), ['6:45+3 too-large'])
  assert.ok(performance.now() - start < HANGS_MS)
  assert.ok(process.memoryUsage().heapUsed - heap < 50_000_000)
})

test('merge keys of merge keys are bounded as well', () => {
  const levels = Array.from(
    { length: 20 },
    (_, n) => `b${n}: &a${n + 1} { <<: [*a${n}, *a${n}, *a${n}], k${n}: { <<: *a${n} } }`,
  )
  const text = `${HEAD}a: &a0 { x: 1 }\n${levels.join('\n')}\n`
  const start = performance.now()
  assert.deepEqual(
    loadManifest([source(text)]).diagnostics.map(({ code }) => code),
    ['too-large'],
  )
  assert.ok(performance.now() - start < HANGS_MS)
})

test('depth is bounded, also where aliases hide it', () => {
  assert.deepEqual(told(`${HEAD}qubes: ${'['.repeat(40)}${']'.repeat(40)}\n`), ['2:39+18 too-deep'])
  const levels = Array.from({ length: 100 }, (_, n) => `b${n}: &a${n + 1} [*a${n}]`)
  assert.deepEqual(
    told(`${HEAD}a: &a0 [x]\n${levels.join('\n')}\n`).map((line) => line.split(' ')[1]),
    ['too-deep'],
  )
})

const MEBIBYTE = 1 << 20
const HOSTILE: Readonly<Record<string, string>> = {
  brackets: '['.repeat(MEBIBYTE / 4),
  braces: '{a: '.repeat(MEBIBYTE / 8),
  'dashes in a row': '- '.repeat(MEBIBYTE / 4),
  'dashes in a column': '-\n'.repeat(MEBIBYTE / 4),
  questions: '? '.repeat(MEBIBYTE / 4),
  anchors: '&a '.repeat(MEBIBYTE / 4),
  closers: ']'.repeat(MEBIBYTE / 4),
  documents: '---\n'.repeat(MEBIBYTE / 8),
  'sound documents': '---\na: 1\n'.repeat(2000),
  keys: Array.from({ length: 90_000 }, (_, n) => `k${n}: 1`).join('\n'),
  'one qube with many keys': `${HEAD}qubes:\n  a:\n${Array.from({ length: 40_000 }, (_, n) => `    key${n}: 1`).join('\n')}`,
  directives: '%A b\n'.repeat(MEBIBYTE / 8),
  'a long line': `a: "${'x'.repeat(MEBIBYTE - 100)}"`,
  'lines out of column': `a:\n${'    b: 1\n   c: [1\n'.repeat(20_000)}`,
  'unknown profiles': `${HEAD}qubes:\n${Array.from({ length: 20_000 }, (_, n) => `  q${n}: { extends: p${n}x }\n`).join('')}profiles:\n${Array.from({ length: 10_000 }, (_, n) => `  p${n}: {}\n`).join('')}`,
  'a large profile in many qubes': `${HEAD}profiles:\n  p:\n    qube:\n      features:\n${Array.from({ length: 20_000 }, (_, n) => `        a${n}: 1\n`).join('')}qubes:\n${Array.from({ length: 20_000 }, (_, n) => `  q${n}: { extends: p }\n`).join('')}`,
  'many profiles in one qube': `${HEAD}profiles:\n${Array.from({ length: 12_000 }, (_, n) => `  p${n}: { tags: [t${n}] }\n`).join('')}qubes:\n  a: { extends: [${Array.from({ length: 12_000 }, (_, n) => `p${n}`).join(', ')}] }\n  b: { nonsense: 1 }\n`,
  'more than a mebibyte': '#'.repeat(MEBIBYTE + 1),
}

for (const [reason, text] of Object.entries(HOSTILE)) {
  test(`text built to exhaust a reader is answered soon: ${reason}`, () => {
    const start = performance.now()
    const { manifest, diagnostics } = loadManifest([source(text)])
    assert.equal(manifest, null)
    assert.ok(diagnostics.length > 0)
    assert.ok(performance.now() - start < HANGS_MS, `took ${performance.now() - start} ms`)
  })
}
