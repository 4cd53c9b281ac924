import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textDiff } from '../../reconciler/annotate/text-diff.ts'
import { check } from '../support/property.ts'

const named = (text: string): { name: string; text: string } => ({ name: 'file', text })
const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', '{{ super() }}'), { maxLength: 30 })

/** What `patch` does with a unified difference. */
function patched(text: string, diff: readonly string[]): string {
  const from = text.split('\n').slice(0, -1)
  const out: string[] = []
  let at = 0
  for (const line of diff.slice(2)) {
    const start = /^@@ -([0-9]+),([0-9]+) /.exec(line)
    if (start !== null) {
      const first = Number(start[1]) - (start[2] === '0' ? 0 : 1)
      out.push(...from.slice(at, first))
      at = first
    } else if (line.startsWith('+')) out.push(line.slice(1))
    else {
      assert.equal(line.slice(1), from[at])
      if (line.startsWith(' ')) out.push(line.slice(1))
      at += 1
    }
  }
  return [...out, ...from.slice(at)].map((line) => `${line}\n`).join('')
}

test('a difference leads from one text to the other, and equal texts have none', async (t) => {
  await check(t, fc.record({ from: lines, to: lines }), 500, ({ from, to }) => {
    const [one, other] = [from, to].map((list) => list.map((line) => `${line}\n`).join(''))
    const diff = textDiff(named(one ?? ''), named(other ?? ''))
    assert.equal(diff.length === 0, one === other)
    assert.equal(patched(one ?? '', diff), other)
    return Promise.resolve()
  })
})

test('a difference is as diff -u prints it, with three lines around each change', () => {
  const from = 'abcdefghijklmnop'.replace(/./g, '$&\n')
  const to = from.replace('b\n', '').replace('o\n', 'O\n')
  assert.deepEqual(textDiff({ name: '/etc/x', text: from }, { name: 'new', text: to }), [
    '--- /etc/x',
    '+++ new',
    ...['@@ -1,5 +1,4 @@', ' a', '-b', ' c', ' d', ' e'],
    ...['@@ -12,5 +11,5 @@', ' l', ' m', ' n', '-o', '+O', ' p'],
  ])
})

test('a last line without its newline is told, and nothing moves a cursor', () => {
  const diff = textDiff(named('a\n\u001b[2J\u202e\rb'), named('a\nb\n'))
  assert.deepEqual(diff.slice(3), [' a', '-\\u{1b}[2J\\u{202e}\\u{d}b (no newline at the end)', '+b'])
})
