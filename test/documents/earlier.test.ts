import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asWrittenNow } from '../../documents/read/earlier.ts'
import { hostReportDocument } from '../../documents/fleet/index.ts'
import { readDocument } from '../../documents/read/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { SAMPLES } from './samples.ts'

/** Problems as earlier versions, and later ones, have written them. */

const AT = { file: 'host.yaml', line: 3, column: 5, length: 4 }

const STORED: readonly { json: unknown; is: unknown; reason: string }[] = [
  {
    json: { code: 'refused', message: 'no', hint: 'ask', at: AT },
    is: { code: 'refused', message: 'no', hint: 'ask', at: AT },
    reason: 'of this version',
  },
  {
    json: { code: 'system', message: 'm', hint: 'h' },
    is: problem('system-error', 'm', 'h'),
    reason: 'renamed',
  },
  { json: { why: 'w', hint: 'h' }, is: problem('other-version', 'w', 'h'), reason: 'without a code' },
  { json: { refused: 'r', hint: 'h' }, is: problem('other-version', 'r', 'h'), reason: 'a refusal' },
  {
    json: { code: 'to-come', message: 'm', hint: 'h' },
    is: problem('other-version', 'to-come: m', 'h'),
    reason: 'of a later version',
  },
  {
    json: { code: 'constructor', message: 'm', hint: 'h' },
    is: problem('other-version', 'constructor: m', 'h'),
    reason: 'a word that objects have of their own',
  },
  { json: null, is: null, reason: 'none' },
]

for (const { json, is, reason } of STORED) {
  test(`a stored problem is read, whichever version has written it: ${reason}`, () => {
    const whole = { ...SAMPLES['host-report']!.json, trouble: json }
    const read = readDocument(hostReportDocument, JSON.stringify(whole), 'here')
    assert.ok(read.ok)
    assert.deepEqual(read.value.trouble, is)
  })
}

test('what is of neither form is left as it is, for the schema to refuse', () => {
  for (const trouble of [5, 'x', [], { code: 7, message: 'm', hint: 'h' }]) {
    assert.deepEqual(asWrittenNow('qstate.report', { trouble }), { trouble })
    const whole = { ...SAMPLES['host-report']!.json, trouble }
    const read = readDocument(hostReportDocument, JSON.stringify(whole), 'here')
    assert.equal(read.ok ? '' : read.problem.code, 'document-damaged')
  }
  for (const { json, document } of Object.values(SAMPLES))
    for (const key of Object.keys(json))
      for (const other of [null, 5, 'x', [5], [null], { a: 5 }, [{ blocked: 5 }], [[]]])
        assert.doesNotThrow(() => asWrittenNow(document.id, { ...json, [key]: other }))
})

test('documents of a fleet that name no consent are read: of a rollout under way, its orders and its answers', () => {
  for (const [name, key] of [
    ['order', 'consent'],
    ['host-plan', 'consent'],
    ['ordered', 'consent'],
    ['memory', 'spentConsent'],
  ] as const) {
    const { document, json } = SAMPLES[name]!
    const earlier = Object.fromEntries(Object.entries(json).filter(([one]) => one !== key))
    assert.equal(Object.keys(earlier).length, Object.keys(json).length - 1)
    assert.ok(readDocument(document, JSON.stringify(earlier), 'here').ok, name)
  }
  const { document, json } = SAMPLES['rollout-state']!
  const text = JSON.stringify(json)
  assert.ok(readDocument(document, text.replace(',"consented":true', ''), 'here').ok)
  assert.ok(text.includes(',"consented":true'))
})
