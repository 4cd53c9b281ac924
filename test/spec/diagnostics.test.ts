import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { sortDiagnostics } from '../../spec/diagnostics/diagnostic.ts'
import { formatDiagnostics } from '../../spec/diagnostics/format.ts'
import { type Code } from '../../spec/diagnostics/index.ts'
import { type Diagnostic } from '../../spec/diagnostics/problem.ts'
import { type SourceFile } from '../../spec/diagnostics/source.ts'
import { editDistance, nearest, quote } from '../../spec/diagnostics/wording.ts'
import { HEAD, source } from './manifests.ts'

const show = (sources: readonly SourceFile[], width = 110): string =>
  formatDiagnostics(loadManifest(sources).diagnostics, sources, { color: false, width })

/** Formats one diagnostic about a part of a line. */
function showLine(line: string, column: number, length: number, width = 110): readonly string[] {
  const at = { file: 'a.yaml', line: 1, column, length }
  const diagnostic: Diagnostic = { severity: 'error', code: 'bad-value', message: 'm', hint: '', at }
  return formatDiagnostics([diagnostic], [source(line, 'a.yaml')], { color: false, width })
    .split('\n')
    .slice(1, 3)
}

test('a diagnostic has its place, the line with a caret, and what to do', () => {
  const text = `${HEAD}qubes:\n  win:\n    audio: { model: ich9 }\n`
  assert.equal(
    show([source(text, 'examples/office.yaml')]),
    `examples/office.yaml:4:21: error: unknown audio model "ich9"
    4 |     audio: { model: ich9 }
      |                     ^^^^
      = ich6 is what works; ac97, es1370 and sb16 start but are likely silent. ich9, though documented, keeps
        the qube from starting on Qubes 4.2 and later: libvirt rejects it
`,
  )
})

test('everything wrong with all files is told at once, in the order of the files', () => {
  const b = source(`${HEAD}qubes:\n  b: { extends: ofice, tags: [x y] }\n`, 'b.yaml')
  const a = source(
    `${HEAD}profiles:\n  office: { audio: ac97 }\nqubes: { a: { usb: { nothing: required } } }\n`,
    'a.yaml',
  )
  assert.equal(
    show([b, a]),
    `a.yaml:3:20: warning: the audio model "ac97" is likely silent on Qubes 4.3
    3 |   office: { audio: ac97 }
      |                    ^^^^
      = there the stubdomain gives its audio backend to ich6 only
a.yaml:4:22: error: unknown device "nothing"
    4 | qubes: { a: { usb: { nothing: required } } }
      |                      ^^^^^^^
      = declare it under devices, or write BACKEND+PORT:IDENTITY
a.yaml:4:31: warning: the qube will not start while this device is absent
    4 | qubes: { a: { usb: { nothing: required } } }
      |                               ^^^^^^^^
      = that is what required means; auto-attach attaches it when it is there
b.yaml:3:17: error: unknown profile "ofice"
    3 |   b: { extends: ofice, tags: [x y] }
      |                 ^^^^^
      = did you mean "office"?
b.yaml:3:31: error: "x y" is not a tag
    3 |   b: { extends: ofice, tags: [x y] }
      |                               ^^^
      = letters, digits, _ and -, 4096 at most
`,
  )
})

test('what stands in no file has no place', () => {
  assert.equal(
    show([]),
    'error: there is no document here\n      = a manifest starts with "apiVersion: qstate/v1"; `qstate devices` and the examples help with a first\n        one\n',
  )
})

test('colour is there only when asked for', () => {
  const { diagnostics } = loadManifest([source('x')])
  const options = { width: 80 }
  assert.ok(!formatDiagnostics(diagnostics, [source('x')], { ...options, color: false }).includes('\x1b'))
  assert.equal(
    formatDiagnostics(diagnostics, [source('x')], { ...options, color: true }),
    '\x1b[1mspec.yaml:1:1:\x1b[0m \x1b[1;31merror:\x1b[0m the text "x" cannot stand here\n' +
      '\x1b[2m    1 | \x1b[0mx\n\x1b[2m      | \x1b[0m\x1b[1;31m^\x1b[0m\n' +
      '      \x1b[2m=\x1b[0m expected a map with apiVersion, and qubes, profiles, devices or select\n',
  )
})

test('a long line is cut around what is meant', () => {
  const line = `${'a'.repeat(100)}HERE${'b'.repeat(100)}`
  assert.deepEqual(showLine(line, 101, 4, 48), [
    `    1 | …${'a'.repeat(12)}HERE${'b'.repeat(22)}…`,
    `      | ${' '.repeat(13)}^^^^`,
  ])
  assert.deepEqual(showLine(line, 1, 2, 48), [`    1 | ${'a'.repeat(38)}…`, '      | ^^'])
  assert.deepEqual(showLine(line, 204, 1, 48), [`    1 | …${'b'.repeat(38)}`, `      | ${' '.repeat(38)}^`])
  assert.deepEqual(showLine(line, 50, 150, 48), [
    `    1 | …${'a'.repeat(38)}…`,
    `      | ${' '.repeat(13)}${'^'.repeat(26)}`,
  ])
})

test('nothing in a line acts on a terminal', () => {
  assert.deepEqual(showLine('\ta\x1b[31m\x07\u202eb\u200b\x9b', 2, 1), ['    1 | →a␛[31m␇�b��', '      |  ^'])
  const text = `${HEAD}"\x1b]0;x\x07": 1\n"a\\u202eb": 1\n`
  const told = show([source(text, 'a\x1b[2J.yaml')])
  assert.match(told, /^a\\u\{1b\}\[2J\.yaml:2:1: error: /)
  assert.doesNotMatch(told, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
})

test('wide and combined characters move the caret by what they take on the screen', () => {
  assert.deepEqual(showLine('日本: x', 5, 1), ['    1 | 日本: x', '      |       ^'])
  assert.deepEqual(showLine('e\u0301: x', 5, 1), ['    1 | e\u0301: x', '      |    ^'])
  assert.deepEqual(showLine('a: 日本', 4, 2), ['    1 | a: 日本', '      |    ^^^^'])
  assert.deepEqual(showLine('\u{1f600}: x', 5, 1), ['    1 | \u{1f600}: x', '      |     ^'])
})

test('a place past the end of a line still has a caret', () => {
  assert.deepEqual(showLine('ab', 3, 1), ['    1 | ab', '      |   ^'])
  assert.deepEqual(showLine('ab', 1, 99), ['    1 | ab', '      | ^^'])
})

test('lines are counted as positions count them, whatever ends them', () => {
  const text = '\uFEFFapiVersion: qstate/v1\r\nname: 5\r\n'
  assert.match(show([source(text)]), /^spec\.yaml:2:7: .*\n {4}2 \| name: 5\n {6}\| {7}\^\n/)
})

test('diagnostics are in order, and each is there once', () => {
  const at = (file: string, line: number, column: number, code: Code = 'bad-day'): Diagnostic => ({
    severity: 'error',
    code,
    message: 'm',
    hint: 'h',
    at: { file, line, column, length: 1 },
  })
  const ordered = [
    at('a', 2, 1),
    at('a', 10, 2),
    at('a', 10, 10, 'bad-day'),
    at('a', 10, 10, 'bad-key'),
    at('b', 1, 1),
  ]
  assert.deepEqual(sortDiagnostics([...ordered, ...ordered].reverse()), ordered)
})

test('the nearest word is near: a slip, a swap, or the beginning of one word only', () => {
  assert.equal(editDistance('abc', 'acb'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(nearest('ihc6', ['ich6', 'ac97']), 'ich6')
  assert.equal(nearest('auto', ['auto-attach', 'ask-to-attach']), 'auto-attach')
  assert.equal(nearest('xyz', ['ich6', 'ac97']), undefined)
  assert.equal(nearest('a', ['abcdef']), undefined)
})

test('a quoted text is bounded, and shows what cannot be seen', () => {
  assert.equal(quote('a"b\u202e\n'), '"a\\"b\\u{202e}\\n"')
  assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(60)}…"`)
})
