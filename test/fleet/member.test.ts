import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer } from '../../fleet/member/ask.ts'
import { type HostReport, type Order, type OrderConsent } from '../../documents/fleet/index.ts'
import {
  type AgentStatus,
  type Member,
  type MemberContext,
  memberTurn,
  NO_MEMORY,
} from '../../fleet/member/member.ts'
import { type Ordered } from '../../documents/agent/index.ts'
import { signConsent } from '../../fleet/consent/index.ts'
import { makeKey } from '../../fleet/store/keys.ts'
import { type Entry } from '../../fleet/store/store.ts'

const OLD = 'a'.repeat(40)
const NEW = 'b'.repeat(40)

const [ALICE, BOB] = [makeKey(), makeKey()]
const GIVEN = {
  withdrawals: [{ qube: 'win7', uuid: 'u7', path: 'qube/memory', after: 4096 }],
  ...{ by: 'alice', at: 'today' },
}
const consentOf = (seed: string): OrderConsent =>
  signConsent({ fleet: 'f', host: 'h', rollout: 1, commit: NEW }, GIVEN, seed)

const order = (more: Partial<Order>): Order => ({
  schema: 'qstate.order',
  version: 1,
  id: '1.1',
  epoch: 3,
  commit: NEW,
  back: false,
  look: false,
  running: [],
  check: null,
  ...more,
})

/** A host, with the store that it sees and an agent that is done at once. */
function host(): {
  readonly documents: Map<string, Entry>
  readonly followed: string[]
  readonly orders: Ordered[]
  readonly said: string[]
  readonly context: MemberContext
  readonly mine: Member
  readonly holds: { why: string | null }
  /** What is in force whatever is followed; null: what is followed. */
  readonly inForce: { commit: string | null }
  readonly looks: string[]
  readonly outcome: { is: AgentStatus['outcome'] }
  put: (key: string, value: object) => void
  report: () => HostReport
} {
  const documents = new Map<string, Entry>()
  const followed: string[] = []
  const orders: Ordered[] = []
  const said: string[] = []
  const holds: { why: string | null } = { why: null }
  const inForce: { commit: string | null } = { commit: null }
  const looks: string[] = []
  const outcome: { is: AgentStatus['outcome'] } = { is: 'applied' }
  const write = (key: string, value: object, revision: number): void => {
    documents.set(key, { key, value: JSON.parse(JSON.stringify(value)) as unknown, revision, at: null })
  }
  const status = (): AgentStatus => ({
    following: followed.at(-1) ?? OLD,
    outcome: outcome.is,
    commit: inForce.commit ?? followed.at(-1) ?? OLD,
    ...{ digest: null, generation: 1, drift: 0, restarts: 0, notRunning: [], check: null, trouble: null },
    held: holds.why,
    unseenSince: null,
  })
  const context: MemberContext = {
    host: 'h',
    store: {
      get: (key) => Promise.resolve(documents.get(key) ?? null),
      put(key, value, over) {
        if ((documents.get(key)?.revision ?? 0) !== over) return Promise.resolve(null)
        write(key, value, over + 1)
        return Promise.resolve(over + 1)
      },
    },
    agent: {
      follow: (ordered) => {
        orders.push(ordered)
        return Promise.resolve(void followed.push(ordered.commit))
      },
      status: ({ fresh }) => {
        if (fresh) looks.push(followed.at(-1) ?? '')
        return Promise.resolve(status())
      },
    },
    trust: { fleet: 'f', keys: [ALICE.publicKey] },
    save: () => Promise.resolve(),
    at: () => '',
    say: (_, text) => void said.push(text),
  }
  return {
    documents,
    followed,
    orders,
    said,
    holds,
    inForce,
    looks,
    outcome,
    context,
    mine: { memory: NO_MEMORY, report: null, looked: null },
    put: (key, value) => {
      write(key, value, (documents.get(key)?.revision ?? 0) + 1)
    },
    report: () => documents.get('reports/h')?.value as HostReport,
  }
}

async function turns({ mine, context }: Pick<ReturnType<typeof host>, 'mine' | 'context'>): Promise<void> {
  while (await memberTurn(mine, context, false));
}

test('an order is claimed before anything is done about it, then followed, then reported', async () => {
  const it = host()
  it.put('orders/h', order({}))
  await memberTurn(it.mine, it.context, false)
  assert.deepEqual([it.report().order, it.report().status], ['1.1', 'working'])
  assert.deepEqual(it.followed, [NEW])
  await turns(it)
  assert.deepEqual([it.report().status, it.report().commit], ['applied', NEW])
})

test('an order of a term that is over is refused', async () => {
  const it = host()
  it.put('orders/h', order({ epoch: 5 }))
  await turns(it)
  it.put('orders/h', order({ id: '1.2', epoch: 4, commit: OLD, back: true }))
  await turns(it)
  assert.deepEqual(it.followed, [NEW])
  assert.match(it.said.join('\n'), /order 1\.2 refused: its term 4 is over, the last seen is 5/)
  assert.deepEqual([it.report().order, it.report().status], ['1.2', 'refused'])
})

test('a host that is held claims nothing and says so; what it has claimed, it keeps to', async () => {
  const it = host()
  it.holds.why = 'suspended'
  it.put('orders/h', order({}))
  await turns(it)
  assert.deepEqual([it.followed, it.report().order, it.report().held], [[], null, 'suspended'])
  it.holds.why = null
  await turns(it)
  assert.deepEqual([it.followed, it.report().order, it.report().held], [[NEW], '1.1', null])
  it.holds.why = 'suspended'
  await turns(it)
  assert.deepEqual([it.report().order, it.report().held], ['1.1', 'suspended'])
})

test('an order that was taken back is not begun', async () => {
  const it = host()
  await turns(it)
  it.put('reports/h', { ...it.report(), recalled: '1.1' })
  it.put('orders/h', order({}))
  await turns(it)
  assert.deepEqual(it.followed, [])
  it.put('orders/h', order({ id: '1.2' }))
  await turns(it)
  assert.deepEqual(it.followed, [NEW])
})

test('a host goes back only to where it has been', async () => {
  const it = host()
  it.put('orders/h', order({ commit: 'c'.repeat(40), back: true }))
  await turns(it)
  assert.deepEqual(it.followed, [])
  // Nobody waits for it.
  assert.deepEqual(
    [it.report().order, it.report().status, it.report().trouble?.code],
    ['1.1', 'refused', 'never-had'],
  )
  it.put('orders/h', order({ id: '1.2' }))
  await turns(it)
  it.put('orders/h', order({ id: '1.3', commit: OLD, back: true }))
  await turns(it)
  assert.deepEqual(it.followed, [NEW, OLD])
})

test('what is in force already is taken without a claim, and is no work', async () => {
  const it = host()
  it.put('orders/h', order({ commit: OLD }))
  await memberTurn(it.mine, it.context, false)
  assert.equal(it.documents.get('reports/h'), undefined)
  await turns(it)
  assert.deepEqual([it.report().order, it.report().status], ['1.1', 'applied'])
})

test('an order that is none is not obeyed', async () => {
  const it = host()
  for (const wrong of [
    { commit: '--upload-pack=x' },
    { id: 'x' },
    { check: '../sh' },
    { schema: 'x' },
    { running: ['a;b'] },
  ])
    for (const value of [{ ...order({}), ...wrong }, null, 7]) {
      it.put('orders/h', value as object)
      await turns(it)
    }
  assert.deepEqual(it.followed, [])
})

test('an order of another store, with a number that is known, is no order that is known', async () => {
  const it = host()
  it.put('orders/h', order({}))
  await turns(it)
  it.put('orders/h', order({ commit: 'c'.repeat(40) }))
  await turns(it)
  assert.deepEqual(it.followed, [NEW, 'c'.repeat(40)])
})

test('a commit that was ordered and never in force is none to go back to', async () => {
  const it = host()
  const refused = 'c'.repeat(40)
  it.inForce.commit = OLD
  it.put('orders/h', order({ commit: refused }))
  await turns(it)
  it.put('orders/h', order({ id: '1.2', commit: NEW }))
  await turns(it)
  it.put('orders/h', order({ id: '1.3', commit: refused, back: true }))
  await turns(it)
  assert.deepEqual(it.followed, [refused, NEW])
  it.put('orders/h', order({ id: '1.4', commit: OLD, back: true }))
  await turns(it)
  assert.deepEqual(it.followed, [refused, NEW, OLD])
})

test('what was lost of an order on the disk of its host is followed again', async () => {
  const it = host()
  it.put('orders/h', order({}))
  await turns(it)
  it.followed.length = 0
  await turns(it)
  assert.deepEqual(it.followed, [NEW])
})

test('a host that is asked how it is looks once, and once more after a restart', async () => {
  const it = host()
  it.put('orders/h', order({}))
  await turns(it)
  it.put('orders/h', order({ look: true }))
  await turns(it)
  await turns(it)
  assert.equal(it.looks.length, 1)
  it.mine.report = null
  it.mine.looked = null
  await turns(it)
  assert.equal(it.looks.length, 2)
})

test('a host that is still at work when it is asked how it is answers once it is done', async () => {
  const it = host()
  it.put('orders/h', order({}))
  await turns(it)
  it.outcome.is = 'working'
  it.put('orders/h', order({ look: true }))
  await turns(it)
  assert.deepEqual([it.report().status, it.report().looked], ['working', false])
  it.outcome.is = 'applied'
  await turns(it)
  assert.deepEqual([it.report().status, it.report().looked], ['applied', true])
})

test('a consent is handed on with the order that it came with, once', async () => {
  const it = host()
  it.put('orders/h', order({ consent: consentOf(ALICE.seed) }))
  await turns(it)
  const taken = { id: '1.1', commit: NEW, back: false }
  assert.deepEqual(it.orders, [{ ...taken, consent: { isEnough: true, ...GIVEN } }])
  assert.match(it.said.join(), /with consent to withdrawals by alice$/)
  // Lost on the disk of the host: what was agreed to may be done already.
  it.followed.length = 0
  await turns(it)
  assert.deepEqual(it.orders.slice(1), [{ ...taken, consent: null }])
})

test('a consent by a key that the host does not name is followed as none, and told', async () => {
  const it = host()
  it.put('orders/h', order({ consent: consentOf(BOB.seed) }))
  await turns(it)
  assert.deepEqual(it.orders[0]?.consent, { ...GIVEN, isEnough: false, withdrawals: [] })
  assert.match(it.said.join(), /by alice, which is not enough on this host$/)
  assert.equal(it.report().status, 'applied')
})

for (const [what, consent, more] of [
  ['changed after it was signed', { ...consentOf(ALICE.seed), withdrawals: [] }, {}],
  ['given for another commit', consentOf(ALICE.seed), { commit: 'c'.repeat(40) }],
  ['given in another rollout', consentOf(ALICE.seed), { id: '2.1' }],
  ['changed, of a key that the host does not name', { ...consentOf(BOB.seed), by: 'eve' }, {}],
] as const)
  test(`an order with a consent that was ${what} is refused`, async () => {
    const it = host()
    it.put('orders/h', order({ consent, ...more }))
    await turns(it)
    assert.deepEqual(it.orders, [])
    assert.deepEqual([it.report().status, it.report().trouble?.code], ['refused', 'forged-consent'])
  })

test('a question is answered once', async () => {
  const it = host()
  let asked = 0
  const agent = {
    plan: () => {
      asked += 1
      return Promise.resolve({ digest: 'd', changes: [], trouble: null })
    },
  }
  it.put('asks/h', { schema: 'qstate.ask', version: 1, id: 'q', commit: NEW })
  const answered = await answer('h', null, it.context.store, agent)
  await answer('h', answered, it.context.store, agent)
  await answer('h', null, it.context.store, agent)
  assert.equal(asked, 1)
  assert.equal((it.documents.get('plans/h')?.value as { id: string }).id, 'q')
})
