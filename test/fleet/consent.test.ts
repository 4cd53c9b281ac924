import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Order,
  type OrderConsent,
  type RolloutConsent,
  type RolloutState,
} from '../../documents/fleet/index.ts'
import { judgeConsent, signConsent } from '../../fleet/consent/index.ts'
import { controllerTurn, newController } from '../../fleet/controller/controller.ts'
import { note } from '../../fleet/controller/view.ts'
import { makeKey } from '../../fleet/store/keys.ts'
import { localStore } from '../../fleet/store/local-store.ts'
import { SAMPLES } from '../documents/samples.ts'
import { tempFolder } from '../support/temp.ts'

/** What a consent that comes with an order is worth on a host. */

const COMMIT = 'b'.repeat(40)
const [ALICE, MALLORY] = [makeKey(), makeKey()]
const SCOPE = { fleet: 'office', host: 'desk', rollout: 7, commit: COMMIT }
const GIVEN = {
  withdrawals: [
    { qube: 'win7', uuid: 'u7', path: 'qube/memory', after: 4096 },
    { qube: 'win7', uuid: 'u7', path: 'qube/vcpus', after: null },
  ],
  by: 'alice@dom0',
  at: '2026-11-24T12:00:00.000Z',
}
const SIGNED = signConsent(SCOPE, GIVEN, ALICE.seed)
const UNSIGNED = signConsent(SCOPE, GIVEN, null)
const FIRST = GIVEN.withdrawals[0]!

const order = (consent: OrderConsent | null, more: object = {}) => ({
  ...{ id: '7.2', commit: COMMIT, back: false, consent },
  ...more,
})
const trust = (keys: readonly string[] | null, fleet = 'office') => ({ fleet, keys })
const withSignature = (signed: Partial<NonNullable<OrderConsent['signed']>>): OrderConsent => ({
  ...SIGNED,
  signed: { ...SIGNED.signed!, ...signed },
})

const OWN = trust([ALICE.publicKey])

for (const { is, reason, consent, more = {}, host = 'desk', by = OWN } of [
  { is: 'none', reason: 'no consent', consent: null },
  { is: 'none', reason: 'a way back, which has none', consent: SIGNED, more: { back: true } },
  { is: 'enough', reason: 'of a key of the host’s', consent: SIGNED },
  { is: 'enough', reason: 'in another order of the same rollout', consent: SIGNED, more: { id: '7.9' } },
  {
    is: 'not-enough',
    reason: 'of a key that the host does not name',
    consent: SIGNED,
    by: trust([MALLORY.publicKey]),
  },
  { is: 'not-enough', reason: 'on a host that names no key', consent: SIGNED, by: trust([]) },
  { is: 'not-enough', reason: 'unsigned', consent: UNSIGNED },
  { is: 'enough', reason: 'unsigned, in a folder of this machine', consent: UNSIGNED, by: trust(null) },
  {
    is: 'forged',
    reason: 'changed, in a folder of this machine',
    consent: { ...SIGNED, by: 'eve' },
    by: trust(null),
  },
  { is: 'forged', reason: 'for another commit', consent: SIGNED, more: { commit: 'c'.repeat(40) } },
  { is: 'forged', reason: 'of an earlier rollout', consent: SIGNED, more: { id: '8.2' } },
  { is: 'forged', reason: 'of another host', consent: SIGNED, host: 'laptop' },
  { is: 'forged', reason: 'of another fleet', consent: SIGNED, by: trust([ALICE.publicKey], 'home') },
  { is: 'forged', reason: 'given by someone else', consent: { ...SIGNED, by: 'eve' } },
  { is: 'forged', reason: 'at another time', consent: { ...SIGNED, at: '' } },
  {
    is: 'forged',
    reason: 'with one more value',
    consent: { ...SIGNED, withdrawals: [...GIVEN.withdrawals, { ...FIRST, path: 'qube/netvm' }] },
  },
  { is: 'forged', reason: 'with one value less', consent: { ...SIGNED, withdrawals: [FIRST] } },
  {
    is: 'forged',
    reason: 'to another value',
    consent: { ...SIGNED, withdrawals: [{ ...FIRST, after: 512 }, ...GIVEN.withdrawals.slice(1)] },
  },
  {
    is: 'forged',
    reason: 'of another qube',
    consent: { ...SIGNED, withdrawals: [{ ...FIRST, uuid: 'u8' }, ...GIVEN.withdrawals.slice(1)] },
  },
  {
    is: 'forged',
    reason: 'signed by another key than it names',
    consent: withSignature({ key: MALLORY.publicKey }),
  },
  { is: 'forged', reason: 'with a key that is none', consent: withSignature({ key: `U${'A'.repeat(55)}` }) },
  { is: 'forged', reason: 'with a signature that is none', consent: withSignature({ signature: '' }) },
])
  test(`a consent is ${is}: ${reason}`, () => {
    assert.equal(judgeConsent(order(consent, more), host, by), is)
  })

const stored: RolloutConsent = {
  ...{ schema: 'qstate.rollout-consent', version: 1 },
  ...{ rollout: 1, commit: 'a'.repeat(40), consent: SIGNED },
}

for (const { reason, consent, consented, is } of [
  { reason: 'of this rollout and commit', consent: stored, consented: true, is: SIGNED },
  { reason: 'of an earlier rollout', consent: { ...stored, rollout: 0 }, consented: true, is: undefined },
  { reason: 'of another commit', consent: { ...stored, commit: COMMIT }, consented: true, is: undefined },
  { reason: 'left by a start that came too late', consent: stored, consented: false, is: undefined },
  { reason: 'that cannot be read', consent: { ...stored, consent: null }, consented: true, is: undefined },
  { reason: 'that is gone', consent: null, consented: true, is: undefined },
])
  test(`a controller puts into an order a consent of its rollout, commit and host alone: one ${reason}`, async (t) => {
    const store = localStore(tempFolder(t), () => Promise.resolve())
    const state = { ...(SAMPLES['rollout-state']!.json as RolloutState), epoch: 0 }
    const hosts = { desk: { ...state.hosts['desk']!, consented } }
    assert.deepEqual([state.serial, state.commit], [stored.rollout, stored.commit])
    await store.put('rollout', { ...state, hosts }, 0)
    await store.put('reports/desk', { ...SAMPLES['host-report']!.json, host: 'desk', status: 'idle' }, 0)
    if (consent !== null) await store.put('consents/desk', consent, 0)
    let nowMs = 0
    const mine = newController(0)
    const context = { store, who: 'me', leaseMs: 3000, now: () => nowMs, say: () => undefined }
    for (let turn = 0; turn < 4; turn += 1) {
      nowMs += 500
      for (const entry of await store.list('reports/')) note(mine.view, entry, nowMs, turn === 0)
      await controllerTurn(mine, context)
    }
    const order = (await store.get('orders/desk'))?.value as Order
    assert.equal(order.commit, state.commit)
    assert.deepEqual(order.consent, is)
  })
