import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { readWindow } from '../../spec/agent/calendar.ts'
import { type AgentConfig } from '../../spec/agent/model.ts'
import { type DriftPolicy } from '../../spec/vocabulary/desired-state.ts'
import { runCli } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { act } from '../support/requests.ts'
import { agentWorld, type AgentWorld, type AgentWorldOptions } from './world.ts'

/** What a commit newly says, and what someone has changed on the host since, are two matters with a policy each. */

type Commits = AgentConfig['policy']['commits']

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const policyOf = (
  commits: Commits,
  drift: DriftPolicy | Readonly<Record<string, DriftPolicy>>,
): AgentConfig['policy'] => ({
  commits,
  drift: new Map(typeof drift === 'string' ? [['default', drift]] : Object.entries(drift)),
  withdraw: 'apply',
})

interface Kept extends AgentWorld {
  readonly host: TestHost
  /** A property of `win-a`. */
  property(name: string): unknown
  set(name: string, value: number): void
  /** Proposals, corrections and the like since last asked. */
  told(): readonly string[]
  /** A person applies what is proposed. */
  applyProposed(): Promise<void>
}

/** An agent on a host to which a person has applied its first commit: three CPUs. */
async function kept(
  t: TestContext,
  policy: AgentConfig['policy'],
  {
    body = '{ qube: { vcpus: 3, memory: 2000 } }',
    more = '',
    state = 'Halted',
  }: { readonly body?: string; readonly more?: string; readonly state?: 'Halted' | 'Running' } = {},
  options: Partial<AgentWorldOptions> = {},
): Promise<Kept> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a', state }, { name: 'win-b' }]) })
  const first = agentWorld(host, { policy: policyOf('propose', 'report') })
  first.branch.commit(specOf(body, more))
  first.begin()
  await first.pass(1000)
  await applyFile(first, host)
  await first.stop()
  const world = agentWorld(host, { policy, ...options })
  t.after(() => world.stop())
  world.branch.commit(specOf(body, more))
  world.begin()
  await world.pass(1000)
  let seen = world.notices.length
  return Object.assign(world, {
    host,
    property: (name: string) => host.simulator.host.qubes.get('win-a')?.properties.get(name),
    set: (name: string, value: number) => {
      const call = { dest: 'win-a', method: 'admin.vm.property.Set', arg: name, payload: String(value) }
      act(host.simulator, call)
    },
    told: () => {
      const kinds = world.notices.slice(seen).map(({ kind }) => kind)
      seen = world.notices.length
      return kinds
    },
    applyProposed: () => applyFile(world, host),
  })
}

const specOf = (body: string, more = ''): string =>
  `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: ${body}\n${more}`

async function applyFile(world: AgentWorld, host: TestHost): Promise<void> {
  const { proposed } = world.memory()
  assert.ok(proposed)
  const { code, out, err } = await runCli(host, ['apply', '--yes', proposed.file])
  assert.equal(code, 0, out + err)
}

const heldIn = (world: AgentWorld): readonly string[] =>
  world.memory().held.map(({ qube, path, why }) => `${qube} ${path ?? 'all'} ${why}`)

/** What comes to pass while the agent may write nothing is all there at once when it may again. */
async function suspended(agent: Kept, meanwhile: () => Promise<void>): Promise<void> {
  await agent.store().suspend({ until: null, by: 'alice', since: '', why: '' })
  await meanwhile()
  await agent.store().suspend(null)
  agent.nudge()
  await agent.pass(1000)
}

const NEWS = '{ qube: { vcpus: 3, memory: 4096 } }'

test('drift is set back while what a new commit says is proposed, of one qube at once', async (t) => {
  const agent = await kept(t, policyOf('propose', 'correct'))
  assert.equal(agent.memory().proposed, null)
  await suspended(agent, async () => {
    agent.branch.commit(specOf(NEWS))
    agent.set('vcpus', 8)
    await agent.pass(6 * MINUTE)
    assert.deepEqual(heldIn(agent), ['win-a all proposed', 'win-a qube/vcpus suspended'])
    assert.deepEqual(agent.told(), ['drift', 'proposed'])
  })
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [3, 2000])
  assert.deepEqual(heldIn(agent), ['win-a all proposed'])
  assert.deepEqual(agent.told(), ['drift', 'applied'], 'it is the same proposal')
  assert.notEqual(agent.memory().applied?.commit, agent.branch.tip)
  await agent.applyProposed()
  await agent.pass(1000)
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [3, 4096])
  assert.equal(agent.memory().proposed, null)
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
})

test('a setting that drifted and that the new commit changes is what the commit newly says', async (t) => {
  const agent = await kept(t, policyOf('propose', 'correct'))
  await suspended(agent, async () => {
    agent.branch.commit(specOf(NEWS))
    agent.set('memory', 3000)
    await agent.pass(6 * MINUTE)
  })
  assert.equal(agent.property('memory'), 3000)
  assert.deepEqual(heldIn(agent), ['win-a all proposed'])
  await agent.applyProposed()
  assert.equal(agent.property('memory'), 4096)
})

test('what a commit newly says is not taken over either, where it is only observed', async (t) => {
  const agent = await kept(t, policyOf('observe', 'correct'), { body: '{ qube: { vcpus: 3 } }' })
  await suspended(agent, async () => {
    agent.set('memory', 4096)
    agent.set('vcpus', 8)
    agent.branch.commit(specOf(NEWS))
    await agent.pass(6 * MINUTE)
  })
  assert.equal(agent.property('vcpus'), 3)
  assert.deepEqual(heldIn(agent), ['win-a all observed'])
  const record = agent.host.simulator.host.qubes.get('win-a')?.features.get('qstate.applied') ?? ''
  assert.match(record, /vcpus/)
  assert.doesNotMatch(record, /memory/)
})

test('an observer that corrects drift does nothing else, and one that reports it writes nothing', async (t) => {
  for (const drift of ['correct', 'report'] as const) {
    const agent = await kept(t, policyOf('observe', drift))
    agent.host.simulator.clearLog()
    agent.branch.commit(specOf(NEWS))
    agent.set('vcpus', 8)
    agent.nudge()
    await agent.pass(HOUR)
    assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [drift === 'correct' ? 3 : 8, 2000])
    assert.equal(agent.host.simulator.writes(), drift === 'correct' ? 1 : 0)
    const reported = drift === 'correct' ? [] : ['win-a qube/vcpus reported']
    assert.deepEqual(heldIn(agent), ['win-a all observed', ...reported])
  }
})

test('drift that is only reported is not proposed', async (t) => {
  const agent = await kept(t, policyOf('propose', 'report'))
  agent.set('vcpus', 8)
  await agent.pass(HOUR)
  assert.deepEqual(agent.told(), ['drift'])
  assert.equal(agent.memory().proposed, null)
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
  agent.branch.commit(specOf(NEWS))
  await agent.pass(6 * MINUTE)
  await agent.applyProposed()
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [8, 4096])
})

test('what waits for a start since drift was set back is nothing to propose', async (t) => {
  const agent = await kept(t, policyOf('propose', 'correct'), {
    body: '{ stubdom: { qrexec: true } }',
    state: 'Running',
  })
  agent.host.setFeature('win-a', 'stubdom-qrexec', '')
  await agent.pass(5 * MINUTE)
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.features.get('stubdom-qrexec'), '1')
  assert.deepEqual([heldIn(agent), agent.memory().proposed], [[], null])
})

test('the most specific policy decides, setting by setting', async (t) => {
  const policy = policyOf('apply', { default: 'correct', qube: 'report', 'qube/vcpus': 'correct' })
  const agent = await kept(t, policy, { body: '{ audio: ich6, qube: { vcpus: 3, memory: 2000 } }' })
  agent.set('vcpus', 8)
  agent.set('memory', 3000)
  agent.host.setFeature('win-a', 'audio-model', 'ac97')
  await agent.pass(1000)
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [3, 3000])
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.features.get('audio-model'), 'ich6')
  assert.deepEqual(heldIn(agent), ['win-a qube/memory reported'])
})

test('where the host and the spec say otherwise of a setting, it is reported', async (t) => {
  const body = '{ qube: { vcpus: 3, memory: 2000 }, drift: { qube/memory: report, qube/vcpus: correct } }'
  const agent = await kept(t, policyOf('apply', { default: 'correct', 'qube/vcpus': 'report' }), { body })
  agent.set('vcpus', 8)
  agent.set('memory', 3000)
  await agent.pass(HOUR)
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [8, 3000])
  const drift = agent.memory().drift.map(({ path, wanted, found }) => [path, wanted, found])
  assert.deepEqual(drift, [
    ['qube/vcpus', 3, 8],
    ['qube/memory', 2000, 3000],
  ])
  assert.equal(agent.memory().settled, true)
  assert.ok(agent.told().every((kind) => kind === 'drift'))
  // What the spec says of drift comes with a commit.
  agent.branch.commit(specOf(body.replace('qube/memory: report', 'qube/memory: correct')))
  await agent.pass(6 * MINUTE)
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [8, 2000])
})

test('windows and suspension hold corrections as they hold commits', async (t) => {
  const window = readWindow('22:00-23:00')
  assert.ok('from' in window)
  const agent = await kept(t, policyOf('propose', 'correct'), {}, { windows: [window] })
  agent.set('vcpus', 8)
  agent.branch.commit(specOf(NEWS))
  await agent.pass(HOUR)
  assert.equal(agent.property('vcpus'), 8)
  assert.deepEqual(heldIn(agent), ['win-a all proposed', 'win-a qube/vcpus outside'])
  await agent.pass(14 * HOUR)
  assert.deepEqual([agent.property('vcpus'), agent.property('memory')], [3, 2000])
  await agent.store().suspend({ until: null, by: 'alice', since: '', why: '' })
  agent.set('vcpus', 8)
  await agent.pass(23 * HOUR)
  assert.equal(agent.property('vcpus'), 8)
  assert.deepEqual(heldIn(agent), ['win-a all proposed', 'win-a qube/vcpus suspended'])
})

const SELECT = 'select:\n  - { match: { tag: office }, tags: [seen], qube: { vcpus: 5 } }\n'

for (const [what, policy, select, left] of [
  ['the agent corrects', policyOf('propose', 'correct'), SELECT, undefined],
  ['the agent reports', policyOf('apply', { default: 'correct', 'qube/vcpus': 'report' }), SELECT, 5],
  [
    'the selector reports',
    policyOf('apply', 'correct'),
    SELECT.replace('qube: {', 'drift: { qube/vcpus: report }, qube: {'),
    5,
  ],
] as const)
  test(`what a selector gave, that lost the qube on the host, goes back or stays by the policy of that setting: ${what}`, async (t) => {
    const tag = (host: TestHost, method: 'Set' | 'Remove'): void => {
      act(host.simulator, { dest: 'win-b', method: `admin.vm.tag.${method}`, arg: 'office', payload: '' })
    }
    const more = `  win-b: { audio: ich6 }\n${select}`
    const agent = await kept(t, policy, { more })
    tag(agent.host, 'Set')
    agent.nudge()
    await agent.pass(1000)
    if (policy.commits === 'propose') await agent.applyProposed()
    await agent.pass(1000)
    const b = agent.host.simulator.host.qubes.get('win-b')
    assert.equal(b?.properties.get('vcpus'), 5)
    tag(agent.host, 'Remove')
    await agent.pass(HOUR)
    assert.equal(b.properties.get('vcpus'), left)
    assert.equal(b.tags.has('seen'), false)
    assert.equal(agent.memory().proposed, null)
  })
