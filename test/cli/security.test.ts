import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './run-cli.ts'

/** SECURITY.md claims nothing without a test: each that it names exists, and each of those that it speaks of has some. */

const PAGE = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
const [, ...SECTIONS] = PAGE.split(/^### /m)

/** Names of the tests of a file, as expressions: what stands for a value in one matches any. */
function namesIn(path: string): readonly RegExp[] {
  const source = readFileSync(join(ROOT, path), 'utf8')
  return [...source.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)].map(([, , name = '']) => {
    const literal = name.replace(/\\(.)/g, '$1').split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
    return new RegExp(`^${literal.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`)
  })
}

for (const section of SECTIONS) {
  const [title = '', ...lines] = section.split('\n')
  const named = lines.flatMap((line) => [...line.matchAll(/^- `(test\/[^`]+)`: (.+)$/g)])
  test(`the tests that SECURITY.md names exist: ${title}`, () => {
    assert.ok(named.length > 0)
    for (const [, path = '', name = ''] of named) {
      assert.ok(existsSync(join(ROOT, path)), path)
      assert.ok(
        namesIn(path).some((one) => one.test(name)),
        `${path} has no test “${name}”`,
      )
    }
    assert.equal(named.length, lines.filter((line) => line.startsWith('- ')).length, 'a line without a test')
  })
}

test('each row of the table in SECURITY.md leads to its tests', () => {
  const rows = [...PAGE.matchAll(/^\|.*\| \[(\d+)\]\(#([^)]+)\) \|$/gm)].map(([, number, anchor]) => [
    number,
    anchor,
  ])
  const anchors = SECTIONS.map((section) => {
    const title = section.split('\n', 1)[0] ?? ''
    return [title.split(' ', 1)[0], title.toLowerCase().replaceAll(' ', '-')]
  })
  assert.deepEqual(rows, anchors)
  assert.equal(rows.length, 9)
})
