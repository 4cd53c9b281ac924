import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { type Code, CODES, domainOf, exitCodeOf } from '../../spec/diagnostics/codes.ts'
import { located, problem, QstateError } from '../../spec/diagnostics/problem.ts'
import { problemOf } from '../../spec/diagnostics/system-error.ts'

test('a code is in one domain, and codes are in order', () => {
  const all = Object.values(CODES).flatMap(({ codes }): readonly string[] => codes)
  assert.equal(new Set(all).size, all.length)
  for (const [domain, { codes }] of Object.entries(CODES))
    assert.deepEqual([...codes], [...codes].sort(), domain)
})

test('the domain of a code says with which exit code a command ends', () => {
  const exits = Object.fromEntries(Object.entries(CODES).map(([domain, { exit }]) => [domain, exit]))
  assert.deepEqual(exits, {
    apply: 1,
    check: 1,
    document: 1,
    git: 1,
    hold: 1,
    host: 1,
    lock: 5,
    plan: 1,
    restart: 1,
    notice: 1,
    rollout: 1,
    spec: 65,
    stale: 4,
    store: 1,
    system: 1,
    usage: 64,
  })
  for (const { codes, exit } of Object.values(CODES))
    for (const code of codes) assert.equal(exitCodeOf(code), exit, code)
  assert.equal(domainOf('bad-target'), 'spec')
})

test('whether the same may succeed later, and whether anything else can be done, follows from the code', () => {
  const are = (code: Code): readonly boolean[] => {
    const error = new QstateError(problem(code, '', ''))
    return [error.retryable, error.fatal]
  }
  assert.deepEqual(are('daemon-unreachable'), [true, true])
  assert.deepEqual(are('aborted'), [false, true])
  assert.deepEqual(are('journal'), [false, true])
  assert.deepEqual(are('timeout'), [true, false])
  assert.deepEqual(are('git-timeout'), [true, false])
  assert.deepEqual(are('refused'), [false, false])
})

const AT = { file: 'office.yaml', line: 3, column: 5, length: 2 }

test('a problem has the line that it stems from, once, and none where there is none', () => {
  const what = problem('refused', 'no', 'ask')
  assert.deepEqual(located(what, AT), { ...what, at: AT })
  assert.deepEqual(located(what, undefined), what)
  assert.deepEqual(located(what, { ...AT, file: '' }), what)
  assert.deepEqual(located({ ...what, at: AT }, { ...AT, line: 9 }).at, AT)
})

test('the line that a problem stems from is plain JSON, whatever noted it', () => {
  const { diagnostics } = loadManifest([{ path: 'office.yaml', text: 'apiVersion: qstate/v1\nqubse: {}\n' }])
  const at = located(problem('refused', 'no', 'ask'), diagnostics[0]?.at).at
  assert.deepEqual({ ...at }, { file: 'office.yaml', line: 2, column: 1, length: 5 })
})

test('what the operating system refuses is a problem of its own, and what nobody foresaw is none', () => {
  const full = Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC', syscall: 'write', path: '/s/a' })
  assert.deepEqual(problemOf(full), {
    code: 'system-error',
    message: '/s/a: no space is left there (ENOSPC)',
    hint: 'make room there',
  })
  assert.equal(problemOf(new TypeError('x is not a function')), undefined)
})
