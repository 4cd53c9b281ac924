import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextRound } from 'node:timers/promises'
import { followedAgent, outcomeOf } from '../../app/agent/followed.ts'
import { acceptWithdrawal } from '../../app/agent/orders.ts'
import { type FollowedAgent } from '../../fleet/member/member.ts'
import { readBaseline } from '../../journal/index.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { type Ordered } from '../../documents/agent/index.ts'
import { loadAgentConfig } from '../../spec/agent/load.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { act } from '../support/requests.ts'
import { agentWorld, type AgentWorld } from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const spec = (vcpus: number, more = ''): string =>
  `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { vcpus: ${vcpus}${more} } }\n`

const OWN_FILE = `apiVersion: qstate/v1
kind: Agent
source: { url: /r }
verify: { by: none }
policy: { commits: apply, drift: correct }
`

interface InFleet extends Omit<AgentWorld, 'order'> {
  readonly host: TestHost
  vcpus(): unknown
  setVcpus(value: number): void
  /** What the fleet orders. */
  order(commit: string, back?: boolean, consent?: Ordered['consent']): Promise<void>
  /** As its fleet has it. It can look at nothing itself: no commit is found. */
  followed(): FollowedAgent
  /** What it would report of the last order: its outcome, with the code of what is wrong. */
  outcome(): Promise<string>
  /** Why it failed, and what a person does. */
  trouble(): Promise<string>
}

/** An agent that belongs to a fleet, and has been ordered nothing yet. */
async function inFleet(
  t: TestContext,
  faults: readonly Fault[] = [],
  state: 'Halted' | 'Running' = 'Halted',
): Promise<InFleet> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a', state }]), faults })
  const world = agentWorld(host, {
    policy: {
      commits: 'apply',
      drift: new Map([['default', 'correct']]),
      withdraw: 'apply',
    },
    inFleet: true,
  })
  t.after(() => world.stop())
  let orders = 0
  return {
    ...world,
    get clock() {
      return world.clock
    },
    host,
    vcpus: () => host.simulator.host.qubes.get('win-a')?.properties.get('vcpus'),
    setVcpus: (value: number) => {
      const payload = String(value)
      act(host.simulator, { dest: 'win-a', method: 'admin.vm.property.Set', arg: 'vcpus', payload })
    },
    order: async (commit: string, back = false, consent: Ordered['consent'] = null) => {
      orders += 1
      await world.order({ id: `1.${orders}`, commit, back, consent: consent ?? null })
      await world.pass(1000)
    },
    followed: () =>
      followedAgent({
        ...{ name: 'h', checks: '', onOrdered: () => undefined },
        ...{ trust: { fleet: 'f', keys: [] }, kind: 'agent' },
        policies: loadAgentConfig({ path: 'agent.yaml', text: OWN_FILE }).config!,
        target: world.target,
        context: world.context(),
        source: { look: () => Promise.resolve({ kind: 'nothing' }), recall: () => null },
        store: world.store(),
        memory: () => world.memory(),
      }),
    trouble: async () => {
      const { ordered } = await world.store().orders()
      const { trouble } = outcomeOf(world.memory(), ordered, world.clock.now(), 'agent')
      return `${trouble?.message ?? ''}; ${trouble?.hint ?? ''}`
    },
    outcome: async () => {
      const { ordered } = await world.store().orders()
      const { outcome, trouble } = outcomeOf(world.memory(), ordered, world.clock.now(), 'agent')
      return trouble === null ? outcome : `${outcome}: ${trouble.code}`
    },
  }
}

test('what is ordered is applied, wherever the branch stands, and kept to until the next order', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit(spec(4))
  agent.branch.commit(spec(9))
  agent.begin()
  await agent.pass(HOUR)
  assert.equal(agent.vcpus(), undefined)
  assert.equal(await agent.outcome(), 'idle')
  await agent.order(first)
  assert.equal(agent.vcpus(), 3)
  assert.equal(await agent.outcome(), 'applied')
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  await agent.order(second)
  assert.equal(agent.vcpus(), 4)
  assert.equal(await agent.outcome(), 'applied')
  assert.deepEqual(agent.memory().took?.commit, second)
})

test('an order stands whatever becomes of the process, and is not followed twice', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  await agent.order(first)
  await agent.kill()
  const second = agent.branch.commit(spec(4))
  await agent.store().order({ id: '1.9', commit: second, back: false })
  agent.begin()
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 4)
  assert.equal(await agent.outcome(), 'applied')
  agent.host.simulator.clearLog()
  await agent.pass(30 * MINUTE)
  assert.deepEqual(agent.host.simulator.requests, [])
})

test('an order of what is in force already is what is wanted from then on', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit('apiVersion: qstate/v1\nqubes: [wrong]\n')
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  assert.equal(agent.memory().wanted?.commit, second)
  await agent.order(first, true)
  assert.equal(agent.memory().wanted?.commit, first)
  assert.equal(await agent.outcome(), 'applied')
})

test('what has drifted since a host was asked how it is, is reported', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  await agent.order(first)
  const followed = agent.followed()
  const asked = { running: [], check: null }
  assert.equal((await followed.status({ ...asked, fresh: true })).drift, null)
  assert.equal((await followed.status({ ...asked, fresh: false })).drift, null)
  // The first is put right at once, the second after a while; neither has everything compared.
  agent.setVcpus(8)
  await agent.pass(1000)
  agent.setVcpus(9)
  await agent.pass(1000)
  assert.equal((await followed.status({ ...asked, fresh: false })).drift, 1)
  await agent.pass(2 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.equal((await followed.status({ ...asked, fresh: false })).drift, 0)
})

test('while the daemon does not answer it is said since when, and drift is that of the last look', async (t) => {
  const agent = await inFleet(t)
  agent.begin()
  await agent.order(agent.branch.commit(spec(3)))
  await agent.store().suspend({ until: null, by: 'me', since: '', why: '' })
  agent.setVcpus(8)
  await agent.pass(1000)
  const asked = { running: [], check: null, fresh: false }
  const followed = agent.followed()
  const seen = await followed.status(asked)
  assert.deepEqual([seen.drift, seen.unseenSince], [1, null])
  agent.host.simulator.setFaults([{ match: {}, do: 'drop-before' }])
  const since = agent.clock.now().toISOString()
  agent.nudge()
  await agent.pass(HOUR)
  const unseen = await followed.status(asked)
  assert.deepEqual([unseen.drift, unseen.unseenSince], [1, since])
  agent.host.simulator.setFaults([])
  await agent.pass(HOUR)
  assert.equal((await followed.status(asked)).unseenSince, null)
})

test('a daemon that is back is no trouble any more, where no commit has come yet, too', async (t) => {
  const agent = await inFleet(t)
  agent.begin()
  await agent.pass(1000)
  await agent.away(true)
  await agent.away(true)
  await agent.pass(1000)
  assert.equal(agent.memory().error?.code, 'daemon-unreachable')
  await agent.away(false)
  await agent.pass(1000)
  assert.equal(agent.memory().error, null)
  assert.equal(agent.notices.at(-1)?.kind, 'recovered')
})

test('it goes back where an order says so, and is not ordered back otherwise', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit(spec(4))
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  await agent.order(first)
  assert.equal(await agent.outcome(), 'refused: rewound')
  assert.equal(agent.vcpus(), 4)
  await agent.order(first, true)
  assert.equal(await agent.outcome(), 'applied')
  assert.equal(agent.vcpus(), 3)
})

test('an order of a commit that nobody may have signed is refused, and what was in force stays so', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit(spec(4), 'unsigned')
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  assert.equal(await agent.outcome(), 'refused: bad-signature')
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
})

test('what cannot be applied is reported as such, and tried at once when it is ordered again', async (t) => {
  const refused = { method: 'admin.vm.property.Set', arg: 'vcpus' }
  const agent = await inFleet(t, [{ match: refused, times: 1, do: 'refuse' }])
  const first = agent.branch.commit(spec(4))
  agent.begin()
  await agent.order(first)
  assert.equal(await agent.outcome(), 'failed: refused')
  assert.equal(agent.vcpus(), undefined)
  await agent.order(first)
  assert.equal(await agent.outcome(), 'applied')
  assert.equal(agent.vcpus(), 4)
})

test('a commit that this host cannot be brought to has failed', async (t) => {
  const agent = await inFleet(t)
  const bad = agent.branch.commit(spec(4, ', netvm: no-such-qube'))
  agent.begin()
  await agent.order(bad)
  assert.equal(await agent.outcome(), 'failed: unknown-qube')
  // On its way back it is not tried once more.
  const good = agent.branch.commit(spec(3))
  agent.host.simulator.clearLog()
  await agent.order(good)
  assert.equal(await agent.outcome(), 'applied')
  const tried = agent.host.simulator.requests.filter(
    ({ arg, method }) => arg === 'netvm' && method.endsWith('.Set'),
  )
  assert.deepEqual(tried, [])
})

test('an order that would withdraw all settings of a qube has failed, until a person has applied that', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const without = 'apiVersion: qstate/v1\nname: test\nqubes: {}\n'
  const second = agent.branch.commit(without)
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  assert.equal(await agent.outcome(), 'failed: withdrawal-not-allowed')
  assert.equal(agent.vcpus(), 3)
  // On its way back there is nothing to withdraw.
  await agent.order(first, true)
  assert.equal(await agent.outcome(), 'applied')

  await agent.order(second)
  await agent.host.apply(without)
  await agent.pass(1000)
  assert.equal(await agent.outcome(), 'applied')
  assert.equal(agent.vcpus(), undefined)
})

test('a way back that would withdraw all settings of a qube has failed, too', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit('apiVersion: qstate/v1\nname: test\nqubes: {}\n')
  const second = agent.branch.commit(spec(3))
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  assert.equal(agent.vcpus(), 3)
  await agent.order(first, true)
  assert.equal(await agent.outcome(), 'failed: withdrawal-not-allowed')
  assert.equal(agent.vcpus(), 3)
})

const NOTHING = 'apiVersion: qstate/v1\nname: test\nqubes: {}\n'
const AGREED = { isEnough: true, by: 'alice', at: 'today' }

/** An agent that owns what a commit gave, and another commit that withdraws all of it; with what it would withdraw. */
async function toWithdraw(t: TestContext) {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3, ', memory: 5000'))
  const second = agent.branch.commit(NOTHING)
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  const { withdrawals } = agent.memory().withdrawal!
  assert.deepEqual(
    withdrawals.map(({ path }) => path),
    ['qube/memory', 'qube/vcpus'],
  )
  await agent.order(first, true)
  assert.deepEqual([await agent.outcome(), agent.vcpus()], ['applied', 3])
  return { agent, first, second, withdrawals }
}

test('a consent that comes with an order has it withdraw what was agreed to, and is spent then', async (t) => {
  const { agent, first, second, withdrawals } = await toWithdraw(t)
  await agent.order(second, false, { ...AGREED, withdrawals })
  assert.deepEqual([await agent.outcome(), agent.vcpus()], ['applied', undefined])
  const { ordered } = await agent.store().orders()
  assert.equal(agent.memory().spentConsent, ordered?.id)
  const baseline = await readBaseline(agent.place(), () => undefined)
  assert.deepEqual(Object.values(baseline), [])
  // Taken again, and dropped again: that is another question.
  await agent.order(first, true)
  await agent.order(second)
  assert.deepEqual([await agent.outcome(), agent.vcpus()], ['failed: withdrawal-not-allowed', 3])
})

test('a spent consent allows nothing more, whatever becomes of the host', async (t) => {
  const { agent, second, withdrawals } = await toWithdraw(t)
  await agent.order(second, false, { ...AGREED, withdrawals })
  await agent.kill()
  await agent.host.apply(spec(3, ', memory: 5000'))
  agent.begin()
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(
    agent.memory().held.map(({ path, why }) => [path, why]),
    [
      ['qube/memory', 'withdrawal'],
      ['qube/vcpus', 'withdrawal'],
    ],
  )
})

test('a consent to more than is left is enough', async (t) => {
  const { agent, second, withdrawals } = await toWithdraw(t)
  const gone = { qube: 'win-z', uuid: 'another', path: 'qube/memory', after: 1 }
  await agent.order(second, false, { ...AGREED, withdrawals: [...withdrawals, gone] })
  assert.deepEqual([await agent.outcome(), agent.vcpus()], ['applied', undefined])
})

for (const [what, why, consent] of [
  ['none came', /no consent was given when the rollout was started/, () => null],
  [
    'a value is not in it',
    /more than alice agreed to/,
    (all: NonNullable<Ordered['consent']>['withdrawals']) => ({ ...AGREED, withdrawals: all.slice(1) }),
  ],
  [
    'a value is another',
    /more than alice agreed to/,
    (all: NonNullable<Ordered['consent']>['withdrawals']) => ({
      ...AGREED,
      withdrawals: all.map((one) => ({ ...one, after: 7 })),
    }),
  ],
  [
    'this host does not take it',
    /alice agreed to it.*does not take that key/,
    () => ({ ...AGREED, isEnough: false, withdrawals: [] }),
  ],
] as const)
  test(`a host holds what was not agreed to, and says why, until a person there agrees: ${what}`, async (t) => {
    const { agent, second, withdrawals } = await toWithdraw(t)
    await agent.order(second, false, consent(withdrawals))
    assert.deepEqual([await agent.outcome(), agent.vcpus()], ['failed: withdrawal-not-allowed', 3])
    const trouble = await agent.trouble()
    assert.match(trouble, /^win-a: the spec no longer names so much/)
    assert.match(trouble, why)
    const { commit, digest } = agent.memory().withdrawal!
    const command = `qstate agent accept ${commit.slice(0, 12)} --withdraw ${digest.slice(0, 12)}`
    assert.ok(trouble.endsWith(`on that host: \`${command}\``), trouble)
    await acceptWithdrawal(commit.slice(0, 12), digest.slice(0, 12), agent.target, agent.context())
    agent.nudge()
    await agent.pass(1000)
    assert.deepEqual([await agent.outcome(), agent.vcpus()], ['applied', undefined])
  })

test('a consent that was given for a commit is none for what is in force until that one comes', async (t) => {
  const { agent, second, withdrawals } = await toWithdraw(t)
  await agent.order(second)
  assert.equal(await agent.outcome(), 'failed: withdrawal-not-allowed')
  await agent.order('d'.repeat(40), false, { ...AGREED, withdrawals })
  await agent.pass(HOUR)
  assert.equal(agent.memory().inForce?.commit, second)
  assert.equal(agent.vcpus(), 3)
})

test('a commit that two looks bring is put in force once', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  await agent.pass(1000)
  const answers: (() => void)[] = []
  const stall = (): void => {
    agent.branch.stalled = new Promise((resolve) => void answers.push(resolve))
  }
  stall()
  await agent.order(first)
  // The first look ends while the loop is on its way to begin with the second.
  agent.nudge()
  await nextRound()
  stall()
  for (const answer of answers) {
    answer()
    await agent.pass(MINUTE)
  }
  assert.deepEqual(
    agent.log.filter((line) => line.includes('in force')),
    ['info a commit is in force'],
  )
})

test('an order that is replaced while it is still looked for is not begun', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit(spec(4))
  agent.begin()
  await agent.pass(1000)
  let answer = (): void => undefined
  agent.branch.stalled = new Promise((resolve) => (answer = resolve))
  await agent.order(first)
  await agent.order(second)
  agent.branch.stalled = null
  answer()
  await agent.pass(MINUTE)
  assert.equal(agent.vcpus(), 4)
  assert.ok(agent.turns.every(({ memory }) => memory.inForce?.commit !== first))
})

test('a commit that cannot be had is looked for more and more rarely, and is a failure after some minutes', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  agent.branch.reachable = false
  await agent.order(first)
  await agent.pass(30_000)
  assert.equal(await agent.outcome(), 'working')
  await agent.pass(10 * MINUTE)
  assert.equal(await agent.outcome(), 'failed: git-failed')
  // That is its end: others have their turn by now.
  agent.branch.reachable = true
  await agent.pass(HOUR)
  assert.equal(await agent.outcome(), 'failed: git-failed')
  assert.equal(agent.vcpus(), undefined)
  await agent.order(first)
  assert.equal(await agent.outcome(), 'applied')
})

test('that the repository is away is no failure of what is in force', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  await agent.order(first)
  agent.branch.reachable = false
  await agent.stop()
  agent.branch.commits.delete(first)
  agent.begin()
  await agent.pass(HOUR)
  assert.equal(agent.memory().unreachable?.code, 'git-failed')
  assert.equal(await agent.outcome(), 'applied')
})

test('a suspended agent begins with no order, and goes on once it is resumed', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  await agent.store().suspend({ until: null, by: 'me', since: '', why: '' })
  await agent.order(first)
  assert.equal(await agent.outcome(), 'working')
  assert.equal(agent.vcpus(), undefined)
  await agent.store().suspend(null)
  agent.nudge()
  await agent.pass(1000)
  assert.equal(await agent.outcome(), 'applied')
})

test('that a commit was applied before shows nothing when it is ordered again, whatever the clock says', async (t) => {
  const agent = await inFleet(t)
  const first = agent.branch.commit(spec(3))
  const second = agent.branch.commit(spec(4))
  agent.begin()
  await agent.order(first)
  await agent.order(second)
  agent.clock.shift(-HOUR)
  agent.host.simulator.setFaults([{ match: { dest: 'win-a', writesOnly: true }, do: 'refuse' }])
  await agent.order(first, true)
  assert.match(await agent.outcome(), /^failed/)
  agent.host.simulator.setFaults([])
  await agent.order(first, true)
  assert.equal(await agent.outcome(), 'applied')
  assert.equal(agent.vcpus(), 3)
})

test('a host whose qube is on its way down and up is still at work', async (t) => {
  const agent = await inFleet(t, [{ match: { method: 'admin.vm.Shutdown' }, do: 'pretend' }], 'Running')
  const body = '{ restart: now, qube: { vcpus: 3 } }'
  const first = agent.branch.commit(`apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: ${body}\n`)
  agent.begin()
  await agent.order(first)
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.equal(await agent.outcome(), 'working')
  act(agent.host.simulator, { dest: 'win-a', method: 'admin.vm.Shutdown', arg: '', payload: '' })
  await agent.pass(MINUTE)
  assert.equal(await agent.outcome(), 'applied')
  assert.deepEqual(agent.memory().waiting, [])
})

const silent = problem('store-unreachable', 'no server took the connection', 'see to it')
const unknown = problem('store-refused', 'the servers do not know the key', 'see to it')

test('a fleet that is not reached is known with why and since when, until it is', async (t) => {
  const agent = await inFleet(t)
  agent.begin()
  await agent.pass(MINUTE)
  assert.equal(agent.memory().fleetAway, null)
  const since = agent.clock.now().toISOString()
  agent.fleet(silent)
  await agent.pass(MINUTE)
  assert.deepEqual(agent.memory().fleetAway, { ...silent, since, lasts: false })
  agent.fleet(unknown)
  await agent.pass(MINUTE)
  const { memory } = await agent.store().load()
  assert.deepEqual(memory.fleetAway, { ...unknown, since, lasts: true }, 'it is kept for whoever asks')
  // A restart does not make it young again.
  await agent.kill()
  agent.begin()
  await agent.pass(MINUTE)
  assert.equal(agent.memory().fleetAway?.since, since)
  agent.fleet(null)
  await agent.pass(MINUTE)
  assert.equal(agent.memory().fleetAway, null)
})

test('servers that refuse a host are told at once, servers that are away after minutes, each once', async (t) => {
  const agent = await inFleet(t)
  const told = (): readonly string[] => agent.notices.splice(0).map(({ kind }) => kind)
  agent.begin()
  await agent.pass(MINUTE)
  for (let minute = 0; minute < 5; minute += 1) {
    agent.fleet(silent)
    await agent.pass(MINUTE)
  }
  assert.deepEqual(told(), [])
  for (let minute = 0; minute < 5; minute += 1) {
    agent.fleet(silent)
    await agent.pass(MINUTE)
  }
  assert.deepEqual(told(), ['fleet-away'])
  agent.fleet(null)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), ['fleet-back'])
  // A server that is restarted is no news.
  agent.fleet(silent)
  await agent.pass(MINUTE)
  agent.fleet(null)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), [])
  agent.fleet(unknown)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), ['fleet-away'])
})

test('that a fleet goes on being away costs no writing of what is known', async (t) => {
  const agent = await inFleet(t)
  agent.begin()
  await agent.order(agent.branch.commit(spec(3)))
  agent.fleet(unknown)
  await agent.pass(MINUTE)
  const turns = agent.turns.length
  for (let times = 0; times < 5; times += 1) agent.fleet(unknown)
  await agent.pass(1000)
  assert.equal(agent.turns.length, turns)
})

test('a disk that said no once keeps no host from its first order', async (t) => {
  const agent = await inFleet(t)
  const asked = { running: [], check: null, fresh: false }
  agent.begin()
  await agent.pass(MINUTE)
  const inTheWay = join(agent.place(), 'agent', 'accepted.json')
  mkdirSync(inTheWay)
  agent.nudge()
  await agent.pass(MINUTE)
  assert.equal(agent.memory().error?.code, 'system-error')
  rmdirSync(inTheWay)
  await agent.pass(HOUR)
  assert.equal(agent.memory().error, null)
  assert.equal((await agent.followed().status(asked)).held, null)
})

test('an order brings no repository back: that it is away is told once, and that it is back when it is', async (t) => {
  const agent = await inFleet(t)
  const told = (): readonly string[] => agent.notices.splice(0).map(({ kind }) => kind)
  const first = agent.branch.commit(spec(3))
  agent.begin()
  agent.branch.reachable = false
  await agent.order(first)
  await agent.pass(10 * MINUTE)
  assert.deepEqual(told(), ['unreachable'])
  await agent.order(first)
  assert.equal(await agent.outcome(), 'working')
  await agent.pass(10 * MINUTE)
  assert.equal(await agent.outcome(), 'failed: git-failed')
  assert.deepEqual(told(), [])
  agent.branch.reachable = true
  await agent.order(first)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), ['reachable', 'applied'])
})

test('a host that is called otherwise now has not reached its fleet for that', async (t) => {
  const agent = await inFleet(t)
  const told = (): readonly string[] => agent.notices.splice(0).map(({ kind }) => kind)
  agent.begin()
  await agent.pass(MINUTE)
  agent.fleet(unknown)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), ['fleet-away'])
  await agent.kill()
  const { memory } = await agent.store().load()
  await agent.store().save({ ...memory, fleet: { name: 'office', host: 'lap-top' } })
  agent.begin()
  await agent.pass(MINUTE)
  agent.fleet(unknown)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), [])
  agent.fleet(null)
  await agent.pass(MINUTE)
  assert.deepEqual(told(), ['fleet-back'])
})
