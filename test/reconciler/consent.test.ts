import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Baseline, baselineAfter, consentNeeded, isCovered } from '../../reconciler/ownership/consent.ts'
import { formatRecord } from '../../reconciler/ownership/record.ts'
import { type Change, type QubePlan } from '../../reconciler/plan/plan.ts'

/** Which withdrawals need a person's consent, and what they are measured against. */

const path = (number: number): string => `tags/t${number}`

function recordOf(qube: string, paths: readonly string[]): string {
  return formatRecord({
    ...{ version: 2, uuid: uuidOf(qube), name: 'x', commit: null, at: '2026-01-01T00:00:00.000Z', by: null },
    ...{ set: new Map(paths.map((one) => [one, true])), originals: new Map(paths.map((one) => [one, null])) },
    ...{ once: new Set<string>(), waits: null, extra: {} },
  })
}

const uuidOf = (qube: string): string => `00000000-0000-4000-8000-${qube.padStart(12, '0')}`

interface Case {
  readonly owned: number
  /** Numbers of the settings that leave, and those of them for which nothing is written. */
  readonly leaves: readonly number[]
  readonly silent?: readonly number[]
}

function planOf(qube: string, { owned, leaves, silent = [] }: Case): QubePlan {
  const paths = Array.from({ length: owned }, (_, number) => path(number))
  const gone = leaves.map(path)
  const left = paths.filter((one) => !gone.includes(one))
  const changes = leaves
    .filter((number) => !silent.includes(number))
    .map((number): Change => ({
      ...{ path: path(number), before: true, after: null, patch: [], inverse: [], calls: [], remarks: [] },
      ...{ reason: 'withdrawn', effect: 'now' },
    }))
  return {
    ...{
      qube,
      uuid: uuidOf(qube),
      klass: 'StandaloneVM',
      running: false,
      blocked: [],
      waiting: [],
      notes: [],
    },
    ...(gone.length === 0 ? {} : { leaves: gone }),
    changes,
    record: { before: recordOf(qube, paths), after: left.length === 0 ? null : recordOf(qube, left) },
  }
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number)

const twenty = (each: Case, first: Case = each): readonly QubePlan[] =>
  upTo(20).map((number) => planOf(`q${number}`, number === 0 ? first : each))

const FIFTEEN = 15
const CASES: readonly { qubes: readonly QubePlan[]; asks: readonly string[]; reason: string }[] = [
  { qubes: twenty({ owned: FIFTEEN, leaves: [] }), asks: [], reason: 'nothing leaves' },
  { qubes: twenty({ owned: FIFTEEN, leaves: [0] }), asks: [], reason: 'one tag of twenty qubes' },
  {
    qubes: twenty({ owned: FIFTEEN, leaves: [] }, { owned: FIFTEEN, leaves: upTo(5) }),
    asks: [],
    reason: 'five lines of one qube',
  },
  {
    qubes: twenty({ owned: FIFTEEN, leaves: [] }, { owned: FIFTEEN, leaves: upTo(15) }),
    asks: ['q0'],
    reason: 'one whole qube',
  },
  {
    qubes: twenty({ owned: FIFTEEN, leaves: [] }, { owned: FIFTEEN, leaves: upTo(12) }),
    asks: ['q0'],
    reason: 'more than ten and three quarters of one qube',
  },
  {
    qubes: twenty({ owned: FIFTEEN, leaves: [] }, { owned: 16, leaves: upTo(12) }),
    asks: [],
    reason: 'no more than three quarters of one qube',
  },
  {
    qubes: twenty({ owned: FIFTEEN, leaves: upTo(4) }),
    asks: upTo(20).map((number) => `q${number}`),
    reason: 'four lines of a profile that all use',
  },
  {
    qubes: [planOf('a', { owned: 3, leaves: upTo(3), silent: upTo(3) })],
    asks: [],
    reason: 'a whole qube for which nothing is written',
  },
  {
    qubes: [planOf('a', { owned: 3, leaves: upTo(3), silent: [0, 1] })],
    asks: ['a'],
    reason: 'a whole qube for which one value is written',
  },
]

for (const { qubes, asks, reason } of CASES)
  test(`consent is ${asks.length === 0 ? 'not needed' : 'needed'}: ${reason}`, () => {
    const consent = consentNeeded({ qubes }, {})
    assert.deepEqual(consent?.qubes.map(({ qube }) => qube) ?? [], asks)
  })

test('many small withdrawals count as the large one that they add up to', () => {
  let baseline: Baseline = {}
  const uuids = new Set([uuidOf('a')])
  for (const left of [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]) {
    const plan = { qubes: [planOf('a', { owned: left, leaves: [left - 1] })] }
    assert.equal(consentNeeded(plan, baseline), null, `${left} of 15`)
    baseline = baselineAfter(baseline, plan, { agreed: false, uuids })
  }
  const last = { qubes: [planOf('a', { owned: 5, leaves: [4] })] }
  assert.equal(consentNeeded(last, {}), null, 'by itself it is small')
  assert.ok(consentNeeded(last, baseline))
  const agreed = baselineAfter(baseline, last, { agreed: true, uuids })
  assert.deepEqual(agreed, { [uuidOf('a')]: upTo(4).map(path) }, 'a consent is a new start')
})

test('settings that are new beside a withdrawal that waits for consent make it no smaller part', () => {
  const uuids = new Set([uuidOf('a')])
  const waiting = planOf('a', { owned: 2, leaves: [1] })
  const plan = {
    qubes: [{ ...waiting, record: { before: recordOf('a', [path(1)]), after: waiting.record.before } }],
  }
  const baseline = baselineAfter({}, plan, { agreed: false, uuids })
  assert.deepEqual(baseline, { [uuidOf('a')]: [path(1)] })
  assert.equal(consentNeeded({ qubes: [waiting] }, baseline)?.qubes[0]?.isWhole, true)
})

test('what is given up by name, or is gone from the host, is no longer measured', () => {
  const released = planOf('a', { owned: 4, leaves: [] })
  const plan = { qubes: [{ ...released, record: { ...released.record, after: recordOf('a', [path(0)]) } }] }
  const before = { [uuidOf('a')]: upTo(4).map(path), [uuidOf('gone')]: [path(0)] }
  const after = baselineAfter(before, plan, { agreed: false, uuids: new Set([uuidOf('a')]) })
  assert.deepEqual(after, { [uuidOf('a')]: [path(0)] })
})

test('a consent covers the withdrawals that were seen, with their values, and no other', () => {
  const request = consentNeeded({ qubes: [planOf('a', { owned: 2, leaves: [0, 1] })] }, {})
  assert.ok(request)
  assert.ok(isCovered(request, request.withdrawals))
  assert.ok(!isCovered(request, request.withdrawals.slice(1)))
  assert.ok(
    !isCovered(
      request,
      request.withdrawals.map((one) => ({ ...one, after: 'other' })),
    ),
  )
})
