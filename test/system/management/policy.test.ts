import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, parsePolicy, type PolicyQube, PolicySyntaxError } from '../../../simulator/wire/policy.ts'

const QUBES: ReadonlyMap<string, PolicyQube> = new Map([
  ['mgmt', { type: 'AppVM', tags: new Set(['admin']) }],
  ['win10', { type: 'StandaloneVM', tags: new Set(['windows']) }],
  ['win11', { type: 'TemplateVM', tags: new Set(['windows', 'office']) }],
])

const decided = (
  policy: string | Record<string, string>,
  call: string,
  target: string,
  source = 'mgmt',
): string => {
  const rules = parsePolicy(typeof policy === 'string' ? { '30-test.policy': policy } : policy)
  const decision = decide(rules, { call, source, target }, QUBES)
  return decision.action === 'allow' ? decision.target : 'denied'
}

// As in qrexec/tests/policy/parser.py of qubes-core-qrexec, in sense.
const CASES: readonly [reason: string, policy: string, call: string, target: string, decision: string][] = [
  ['nothing is allowed by nothing', '', 'a.B', 'win10', 'denied'],
  ['a line allows what it names', 'a.B * mgmt win10 allow', 'a.B', 'win10', 'win10'],
  ['target= says where it goes', 'a.B * mgmt win10 allow target=dom0', 'a.B', 'win10', 'dom0'],
  ['another service is another', 'a.B * mgmt win10 allow', 'a.C', 'win10', 'denied'],
  ['* is any service', '* * mgmt win10 allow', 'a.C+x', 'win10', 'win10'],
  ['no argument is the empty one', 'a.B + mgmt win10 allow', 'a.B', 'win10', 'win10'],
  ['the empty argument is no other', 'a.B + mgmt win10 allow', 'a.B+x', 'win10', 'denied'],
  ['an argument is whole', 'a.B +x mgmt win10 allow', 'a.B+xy', 'win10', 'denied'],
  ['an argument keeps further signs', 'a.B +x+y mgmt win10 allow', 'a.B+x+y', 'win10', 'win10'],
  ['case counts', 'a.B +x mgmt win10 allow', 'a.B+X', 'win10', 'denied'],
  ['the first match counts', 'a.B * mgmt win10 deny\na.B * mgmt win10 allow', 'a.B', 'win10', 'denied'],
  ['ask is no yes', 'a.B * mgmt win10 ask\n* * mgmt @anyvm allow', 'a.B', 'win10', 'denied'],
  ['the source counts', 'a.B * other win10 allow', 'a.B', 'win10', 'denied'],
  ['a source may be a tag', 'a.B * @tag:admin win10 allow', 'a.B', 'win10', 'win10'],
  ['a target may be a tag', 'a.B * mgmt @tag:windows allow target=dom0', 'a.B', 'win11', 'dom0'],
  ['a tag is whole', 'a.B * mgmt @tag:window allow target=dom0', 'a.B', 'win11', 'denied'],
  ['a target may be a type', 'a.B * mgmt @type:TemplateVM allow target=dom0', 'a.B', 'win11', 'dom0'],
  ['of another type it is not', 'a.B * mgmt @type:TemplateVM allow target=dom0', 'a.B', 'win10', 'denied'],
  ['any qube is not dom0', 'a.B * mgmt @anyvm allow target=dom0', 'a.B', 'dom0', 'denied'],
  ['dom0 is @adminvm', 'a.B * mgmt @adminvm allow', 'a.B', 'dom0', 'dom0'],
  ['dom0 by name is dom0', 'a.B * mgmt dom0 allow', 'a.B', '@adminvm', 'dom0'],
  ['* is dom0 too', 'a.B * mgmt * allow', 'a.B', 'dom0', 'dom0'],
  ['no type is dom0', 'a.B * mgmt @type:AdminVM allow', 'a.B', 'dom0', 'denied'],
  ['a qube that is not there is none', 'a.B * mgmt gone allow target=dom0', 'a.B', 'gone', 'denied'],
  ['which any qube matches', 'a.B * mgmt @anyvm allow target=dom0', 'a.B', 'gone', 'dom0'],
  ['and no way leads to', 'a.B * mgmt @anyvm allow', 'a.B', 'gone', 'denied'],
  ['nor back to the caller', 'a.B * mgmt @anyvm allow', 'a.B', 'mgmt', 'denied'],
  ['comments and blanks are nothing', '# x\n\n  \n  # y\na.B * mgmt win10 allow', 'a.B', 'win10', 'win10'],
]

for (const [reason, policy, call, target, decision] of CASES) {
  test(`policy: ${reason}`, () => {
    assert.equal(decided(policy, call, target), decision)
  })
}

test('policy: files count in lexical order, and an include stands where it is', () => {
  const allow = 'a.B * mgmt win10 allow'
  const deny = 'a.B * mgmt win10 deny'
  assert.equal(decided({ '30-b.policy': deny, '20-a.policy': allow }, 'a.B', 'win10'), 'win10')
  assert.equal(decided({ '30-b.policy': allow, '20-a.policy': deny }, 'a.B', 'win10'), 'denied')
  assert.equal(decided({ '30-b.policy': allow, '20-a.policy.rpmsave': deny }, 'a.B', 'win10'), 'win10')
  const included = { '20-a.policy': `!include include/x\n${allow}`, 'include/x': deny }
  assert.equal(decided(included, 'a.B', 'win10'), 'denied')
})

const WRONG: readonly [reason: string, policy: string][] = [
  ['too few fields', 'a.B * mgmt win10'],
  ['no such action', 'a.B * mgmt win10 permit'],
  ['an argument begins with +', 'a.B x mgmt win10 allow'],
  ['an argument of qrexec’s letters', 'a.B +x:y mgmt win10 allow'],
  ['no argument for any service', '* +x mgmt win10 allow'],
  ['a service of qrexec’s letters', 'a/B * mgmt win10 allow'],
  ['no such token', 'a.B * mgmt @nobody allow'],
  ['an empty tag', 'a.B * mgmt @tag: allow'],
  ['no source by default', 'a.B * @default win10 allow'],
  ['a comment does not follow a rule', 'a.B * mgmt win10 allow # why'],
  ['a parameter twice', 'a.B * mgmt win10 allow target=a target=b'],
  ['an unknown parameter', 'a.B * mgmt win10 deny target=a'],
  ['yes or no', 'a.B * mgmt win10 allow notify=maybe'],
  ['allow for no target at all', 'a.B * mgmt @default allow'],
  ['no such directive', '!exclude x'],
  ['an include that is not there', '!include x'],
]

for (const [reason, policy] of WRONG) {
  test(`policy that cannot be read: ${reason}`, () => {
    assert.throws(() => parsePolicy({ '30-test.policy': policy }), PolicySyntaxError)
  })
}

test('policy that cannot be read: a file of another name', () => {
  assert.throws(() => parsePolicy({ '30-Test.policy': '' }), PolicySyntaxError)
})
