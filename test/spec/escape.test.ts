import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeForTerminal } from '../../spec/diagnostics/escape.ts'

const HOSTILE: readonly { text: string; shown: string; reason: string }[] = [
  { text: '\u001b[2J\u0007', shown: '\\u{1b}[2J\\u{7}', reason: 'a control sequence' },
  { text: 'a\u202eb\u2066c', shown: 'a\\u{202e}b\\u{2066}c', reason: 'marks that turn the direction' },
  {
    text: 'in\u00advisible\u200b',
    shown: 'in\\u{ad}visible\\u{200b}',
    reason: 'a soft hyphen, a zero width space',
  },
  { text: 'שלום', shown: '\\u{5e9}\\u{5dc}\\u{5d5}\\u{5dd}', reason: 'Hebrew' },
  { text: 'سلام', shown: '\\u{633}\\u{644}\\u{627}\\u{645}', reason: 'Arabic' },
  { text: 'a\r\nb\u2028c\u0085', shown: 'a\\u{d}\\u{a}b\\u{2028}c\\u{85}', reason: 'what begins a line' },
  {
    text: 'x\ud800y\ue000',
    shown: 'x\\u{d800}y\\u{e000}',
    reason: 'half a character, and one of no meaning',
  },
  { text: 'a\u00a0b\u3000\u2800', shown: 'a\\u{a0}b\\u{3000}\\u{2800}', reason: 'blanks that are no space' },
  { text: 'a\ufe0fb\u034f', shown: 'a\\u{fe0f}b\\u{34f}', reason: 'what takes no room' },
  { text: 'Grüße, 日本, “ja” … é 🙂', shown: 'Grüße, 日本, “ja” … é 🙂', reason: 'letters and signs' },
]

for (const { text, shown, reason } of HOSTILE) {
  test(`text of somebody else's cannot act on a terminal: ${reason}`, () => {
    assert.equal(escapeForTerminal(text), shown)
    assert.equal(escapeForTerminal(shown), shown, 'escaped twice')
  })
}

test('an escaped text is no longer than it may be, and its line breaks stay where they may', () => {
  assert.equal(escapeForTerminal('abcdef', { max: 6 }), 'abcdef')
  assert.equal(escapeForTerminal('abcdefg', { max: 6 }), 'abcde…')
  assert.equal(escapeForTerminal('ab\u202ecd', { max: 6 }), 'ab…')
  assert.equal(escapeForTerminal('a\n\tb', { newlines: true }), 'a\n\\u{9}b')
})
