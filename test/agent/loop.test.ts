import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readWindow } from '../../spec/agent/calendar.ts'
import { type AgentConfig, type Window } from '../../spec/agent/model.ts'
import { runCli } from '../support/cli.ts'
import { windowsHost, type WindowsQube } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { act } from '../support/requests.ts'
import { changedKeys, RECORD } from '../support/snapshot.ts'
import { untilRequest } from '../support/watch.ts'
import { agentWorld, type AgentWorld, type AgentWorldOptions } from './world.ts'

type Policy = AgentConfig['policy']

const policyOf = (
  commits: Policy['commits'],
  drift: 'correct' | 'report',
  withdraw: Policy['withdraw'] = 'apply',
): Policy => ({
  commits,
  drift: new Map([['default', drift]]),
  withdraw,
})

const APPLY = policyOf('apply', 'correct')
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const spec = (vcpus: number, more = ''): string =>
  `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { vcpus: ${vcpus}${more} } }\n`

interface Started extends AgentWorld {
  readonly host: TestHost
  vcpus(): unknown
  setVcpus(value: number): void
  /** Kinds of the notices since last asked. */
  told(): readonly string[]
}

/** An agent that has applied a first commit, on a host whose `win-a` had two CPUs. */
async function started(
  t: TestContext,
  options: Partial<AgentWorldOptions> = {},
  qubes: readonly WindowsQube[] = [{ name: 'win-a' }, { name: 'win-b' }],
): Promise<Started> {
  const host = await startHost(t, { fixture: windowsHost(qubes) })
  const world = agentWorld(host, { policy: APPLY, ...options })
  t.after(() => world.stop())
  world.branch.commit(spec(3))
  world.begin()
  await world.pass(1000)
  let seen = 0
  return Object.assign(world, {
    host,
    vcpus: () => host.simulator.host.qubes.get('win-a')?.properties.get('vcpus'),
    setVcpus: (value: number) => {
      act(host.simulator, {
        dest: 'win-a',
        method: 'admin.vm.property.Set',
        arg: 'vcpus',
        payload: String(value),
      })
    },
    told: () => {
      const kinds = world.notices.slice(seen).map(({ kind }) => kind)
      seen = world.notices.length
      return kinds
    },
  })
}

const windowOf = (text: string): Window => {
  const window = readWindow(text)
  assert.ok('from' in window)
  return window
}

test('applies a commit, and what it changes later', async (t) => {
  const agent = await started(t)
  assert.equal(agent.vcpus(), 3)
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
  const second = agent.branch.commit(spec(4))
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 4)
  assert.equal(agent.memory().applied?.commit, second)
  assert.deepEqual(agent.told(), ['applied', 'applied'])
})

test('a host where nothing happens costs no call after the first comparison', async (t) => {
  const agent = await started(t)
  agent.host.simulator.clearLog()
  await agent.pass(59 * MINUTE)
  assert.deepEqual(agent.host.simulator.requests, [])
  // The net: one comparison an hour, which writes nothing.
  await agent.pass(2 * MINUTE)
  assert.ok(agent.host.simulator.requests.length > 0)
  assert.equal(agent.host.simulator.writes(), 0)
})

test('a change on the host is put right as soon as its event is heard, and only that qube is read', async (t) => {
  const agent = await started(t)
  agent.told()
  agent.host.simulator.clearLog()
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(agent.told(), ['drift', 'applied'])
  const notice = agent.notices.find(({ kind }) => kind === 'drift')
  assert.match(
    notice?.text ?? '',
    /win-a\/qube\/vcpus was changed on the host from 3 to 8 \(property-set:vcpus\), and has been put right/,
  )
  const read = new Set(agent.host.simulator.requests.map(({ dest }) => dest))
  assert.deepEqual([...read].sort(), ['dom0', 'win-a'])
})

test('events about other qubes, or other devices, cost nothing', async (t) => {
  const agent = await started(t)
  agent.host.simulator.clearLog()
  act(agent.host.simulator, { dest: 'sys-net', method: 'admin.vm.property.Set', arg: 'vcpus', payload: '4' })
  act(agent.host.simulator, { dest: 'sys-net', method: 'admin.vm.feature.Set', arg: 'x', payload: '1' })
  await agent.pass(10 * MINUTE)
  assert.deepEqual(agent.host.simulator.requests, [])
})

test('a burst of events is one look', async (t) => {
  const agent = await started(t)
  const before = agent.turns.length
  for (let value = 4; value < 60; value += 1) agent.setVcpus(value)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  // One look puts it right, and one hears of that.
  assert.equal(agent.turns.slice(before).filter(({ done }) => done !== null).length, 2)
})

test('what drifts is reported and left, where its policy says so', async (t) => {
  const agent = await started(t, { policy: policyOf('apply', 'report') })
  agent.told()
  agent.setVcpus(8)
  await agent.pass(HOUR)
  assert.equal(agent.vcpus(), 8)
  const [drift] = agent.memory().drift
  assert.deepEqual(
    [drift?.qube, drift?.path, drift?.wanted, drift?.found, drift?.noticed],
    ['win-a', 'qube/vcpus', 3, 8, 'property-set:vcpus'],
  )
  assert.deepEqual(agent.told(), ['drift'])
  // The commit is applied all the same, and what it newly says is.
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
  agent.branch.commit(spec(3, ', memory: 4096'))
  await agent.pass(6 * MINUTE)
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.properties.get('memory'), 4096)
  assert.equal(agent.vcpus(), 8)
  // Set back by whoever changed it: no drift any more.
  agent.setVcpus(3)
  await agent.pass(1000)
  assert.deepEqual(agent.memory().drift, [])
})

test('policy can differ by area', async (t) => {
  const policy = { ...APPLY, drift: new Map([...APPLY.drift, ['qube', 'report'] as const]) }
  const agent = await started(t, { policy })
  agent.branch.commit(
    `${spec(3)}    audio: ich6\n`.replace('{ qube: { vcpus: 3 } }\n', '\n    qube: { vcpus: 3 }\n'),
  )
  await agent.pass(5 * MINUTE)
  agent.setVcpus(8)
  agent.host.setFeature('win-a', 'audio-model', 'ac97')
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 8)
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.features.get('audio-model'), 'ich6')
})

test('a correction that is undone again and again is not fought', async (t) => {
  const agent = await started(t)
  agent.told()
  let corrections = 0
  // Somebody’s script sets it back every ten seconds, for six hours.
  for (let tens = 0; tens < 6 * 360; tens += 1) {
    if (agent.vcpus() !== 8) {
      corrections += 1
      agent.setVcpus(8)
    }
    await agent.pass(10_000)
  }
  // At once, then after 1, 2, 4 … minutes.
  assert.ok(corrections <= 10, `${corrections} corrections`)
  assert.equal(agent.told().filter((kind) => kind === 'conflict').length, 1)
  const [held] = agent.memory().held
  assert.equal(held?.why, 'conflict')
  assert.ok(held.until)
  // Once nobody undoes it, it is put right.
  await agent.pass(7 * HOUR)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(agent.memory().held, [])
})

test('a refused commit changes nothing, and the last good one stays in force', async (t) => {
  const agent = await started(t)
  const good = agent.branch.tip
  agent.told()
  agent.branch.commit(spec(7), 'unsigned')
  await agent.pass(HOUR)
  assert.equal(agent.vcpus(), 3)
  assert.equal(agent.memory().inForce?.commit, good)
  assert.equal(agent.memory().refused?.code, 'bad-signature')
  assert.deepEqual(agent.told(), ['refused'])
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  // A signed one on top of it does not help: the one below it is still not signed.
  agent.branch.commit(spec(6))
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 3)
})

test('a spec that is wrong is refused with what is wrong', async (t) => {
  const agent = await started(t)
  agent.branch.commit('apiVersion: qstate/v1\nqubes:\n  win-a: { qube: { vcpu: 3 } }\n')
  await agent.pass(5 * MINUTE)
  const { refused } = agent.memory()
  assert.equal(refused?.code, 'invalid-spec')
  assert.match(refused.message, /host\.yaml:3:20: error: .*vcpu/)
  agent.branch.commit(spec(5))
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 5)
  assert.equal(agent.memory().refused, null)
})

test('history set back is refused until a person takes it', async (t) => {
  const agent = await started(t)
  const first = agent.branch.tip ?? ''
  agent.branch.commit(spec(4))
  await agent.pass(5 * MINUTE)
  agent.branch.rewind(first)
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 4)
  assert.equal(agent.memory().refused?.code, 'rewound')
  await agent.store().accept(first)
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.equal((await agent.store().orders()).accepted, null)
})

test('a repository that is away for long is told, and the commit in force stays', async (t) => {
  const agent = await started(t)
  agent.told()
  agent.branch.reachable = false
  await agent.pass(10 * MINUTE)
  assert.deepEqual(agent.told(), [])
  await agent.pass(10 * MINUTE)
  assert.deepEqual(agent.told(), ['unreachable'])
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  agent.branch.reachable = true
  await agent.pass(5 * MINUTE)
  assert.ok(agent.told().includes('reachable'))
})

test('that a repository answers again is in the log, as short as it was away', async (t) => {
  const agent = await started(t)
  agent.log.splice(0)
  agent.branch.reachable = false
  await agent.pass(6 * MINUTE)
  agent.branch.reachable = true
  await agent.pass(6 * MINUTE)
  assert.deepEqual(agent.log, ['warn git fetch: nobody answers', 'info the repository can be reached again'])
})

test('an observer writes nothing and reports all', async (t) => {
  const agent = await started(t, { policy: policyOf('observe', 'correct') })
  assert.equal(agent.host.simulator.writes(), 0)
  assert.deepEqual(agent.memory().held, [{ qube: 'win-a', path: null, why: 'observed', until: null }])
  assert.equal(agent.memory().applied, null)
})

test('a proposal is saved for a person, who applies it; then nothing is proposed any more', async (t) => {
  const agent = await started(t, { policy: policyOf('propose', 'correct') })
  assert.equal(agent.host.simulator.writes(), 0)
  assert.deepEqual(agent.told(), ['proposed'])
  const { proposed } = agent.memory()
  assert.ok(proposed)
  const { code, err } = await runCli(agent.host, ['apply', '--yes', proposed.file])
  assert.equal(code, 0, err)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  assert.equal(agent.memory().proposed, null)
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
})

test('nothing is written outside the times, and all of it when they come', async (t) => {
  const agent = await started(t, { windows: [windowOf('22:00-23:00')] })
  assert.equal(agent.vcpus(), undefined)
  assert.equal(agent.memory().held[0]?.why, 'outside')
  await agent.pass(13 * HOUR)
  assert.equal(agent.host.simulator.writes(), 0)
  await agent.pass(HOUR + MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(agent.memory().held, [])
})

test('a freeze keeps everything as it is', async (t) => {
  const agent = await started(t, { freezes: [{ from: '2026-11-26', until: '2026-11-28', why: '' }] })
  await agent.pass(39 * HOUR)
  assert.equal(agent.host.simulator.writes(), 0)
  assert.equal(agent.memory().held[0]?.why, 'frozen')
  await agent.pass(2 * HOUR)
  assert.equal(agent.vcpus(), 3)
})

test('suspended, it goes on looking and writes nothing; resumed, it acts at once', async (t) => {
  const agent = await started(t)
  await agent.store().suspend({ until: null, by: 'alice', since: '', why: 'a demonstration' })
  agent.setVcpus(8)
  agent.branch.commit(spec(4))
  await agent.pass(2 * HOUR)
  assert.equal(agent.vcpus(), 8)
  assert.equal(agent.memory().suspended?.by, 'alice')
  assert.equal(agent.memory().held[0]?.why, 'suspended')
  await agent.store().suspend(null)
  agent.nudge()
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 4)
})

test('a suspension ends by itself when its time is over', async (t) => {
  const agent = await started(t)
  const until = new Date(agent.clock.now().getTime() + HOUR).toISOString()
  await agent.store().suspend({ until, by: 'alice', since: '', why: '' })
  agent.setVcpus(8)
  await agent.pass(59 * MINUTE)
  assert.equal(agent.vcpus(), 8)
  await agent.pass(2 * MINUTE)
  assert.equal(agent.vcpus(), 3)
})

test('who has suspended the agent, until when and why, and that this is over, is in its log', async (t) => {
  const agent = await started(t)
  agent.log.splice(0)
  const until = new Date(agent.clock.now().getTime() + HOUR).toISOString()
  const said = (): readonly string[] => agent.log.splice(0).filter((line) => /suspended|resumed/.test(line))
  await agent.store().suspend({ until, by: 'alice@laptop', since: '', why: 'a demonstration' })
  agent.nudge()
  await agent.pass(10 * MINUTE)
  assert.deepEqual(said(), ['info suspended by alice@laptop: a demonstration'])
  await agent.pass(2 * HOUR)
  assert.deepEqual(said(), ['info no longer suspended'])
})

test('a damaged suspension holds: whoever wrote it wanted the agent to be still', async (t) => {
  const agent = await started(t)
  await agent.store().suspend({ until: 'for a bit', by: 'alice', since: '', why: '' })
  agent.setVcpus(8)
  await agent.pass(3 * HOUR)
  assert.equal(agent.vcpus(), 8)
})

test('a daemon that is restarted is no trouble; changes made while it was not heard are found', async (t) => {
  const agent = await started(t)
  agent.told()
  await agent.away(true)
  await agent.pass(1000)
  agent.setVcpus(8)
  await agent.away(false)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(agent.told(), ['drift', 'applied'])
  assert.match(agent.notices.at(-2)?.text ?? '', /the host can be heard/)
})

test('a daemon that does not answer is told, tried again less and less often, and all is well after', async (t) => {
  const agent = await started(t)
  agent.told()
  agent.host.simulator.setFaults([{ match: {}, do: 'drop-before' }])
  agent.host.simulator.clearLog()
  agent.setVcpus(8)
  await agent.pass(HOUR)
  assert.ok(agent.host.simulator.requests.length < 30, `${agent.host.simulator.requests.length} calls`)
  assert.deepEqual(agent.told(), ['error'])
  agent.host.simulator.setFaults([])
  await agent.pass(6 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.ok(agent.told().includes('recovered'))
})

test('one qube that fails stops no other, is tried less and less often, and keeps the commit from counting as applied', async (t) => {
  const agent = await started(t)
  agent.told()
  agent.host.simulator.setFaults([{ match: { dest: 'win-a', writesOnly: true }, do: 'refuse' }])
  agent.branch.commit(`${spec(5)}  win-b: { qube: { vcpus: 6 } }\n`)
  await agent.pass(3 * HOUR)
  assert.equal(agent.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus'), 6)
  assert.equal(agent.vcpus(), 3)
  assert.notEqual(agent.memory().applied?.commit, agent.branch.tip)
  const tries = agent.host.simulator.requests.filter(({ dest, write }) => write && dest === 'win-a').length
  assert.ok(tries <= 12, `${tries} tries`)
  agent.host.simulator.setFaults([])
  // Another commit is tried at once.
  agent.branch.commit(`${spec(4)}  win-b: { qube: { vcpus: 6 } }\n`)
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 4)
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
})

test('what is no longer asked for is taken back, or reported, as its policy says', async (t) => {
  for (const withdraw of ['apply', 'report'] as const) {
    const agent = await started(t, { policy: policyOf('apply', 'correct', withdraw) })
    agent.branch.commit(spec(3, ', memory: 4096'))
    await agent.pass(5 * MINUTE)
    agent.branch.commit('apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { memory: 4096 } }\n')
    await agent.pass(5 * MINUTE)
    assert.equal(agent.vcpus(), withdraw === 'apply' ? undefined : 3)
    assert.deepEqual(
      agent.memory().held.map(({ path, why }) => [path, why]),
      withdraw === 'apply' ? [] : [['qube/vcpus', 'reported']],
    )
  }
})

const ONLY_B = 'apiVersion: qstate/v1\nname: test\nqubes:\n  win-b: { qube: { vcpus: 6 } }\n'

for (const [what, yaml] of [
  ['drops the qube', ONLY_B],
  ['leaves the qube in the spec, with nothing', `${ONLY_B}  win-a: {}\n`],
  ['names nothing but new settings of the qube', `${ONLY_B}  win-a: { audio: ich6 }\n`],
] as const)
  test(`a commit that ${what} withdraws nothing there until a person agrees; all else is applied`, async (t) => {
    const agent = await started(t)
    agent.told()
    const before = agent.host.snapshot()
    agent.branch.commit(yaml)
    await agent.pass(HOUR)
    const changed = changedKeys(before, agent.host.snapshot()).filter((key) => key.startsWith('win-a '))
    assert.deepEqual(
      changed.filter((key) => !/ feature (?:audio-model|qstate)/.test(key)),
      [],
    )
    assert.equal(agent.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus'), 6)
    const held = { qube: 'win-a', path: 'qube/vcpus', why: 'withdrawal', until: null }
    assert.deepEqual(agent.memory().held, [held])
    assert.notEqual(agent.memory().applied?.commit, agent.branch.tip)
    assert.deepEqual(agent.told(), ['held', 'applied'])
    const notice = agent.notices.find(({ kind }) => kind === 'held')
    assert.match(
      notice?.text ?? '',
      /^win-a is held: .*lost by mistake; review `qstate plan`.*`qstate agent accept`/,
    )
    assert.deepEqual(notice?.about, held)
    // Comparing again, also after a restart, changes nothing, and is no news.
    await agent.stop()
    agent.begin()
    await agent.pass(2 * HOUR)
    assert.equal(agent.vcpus(), 3)
    assert.deepEqual(agent.told(), [])

    assert.equal((await agent.host.apply(yaml)).code, 0)
    await agent.pass(1000)
    assert.equal(agent.vcpus(), undefined)
    assert.deepEqual(agent.memory().held, [])
    assert.equal(agent.memory().applied?.commit, agent.branch.tip)
  })

test('a qube that a selector no longer means, since its tag is gone, keeps what the agent set there', async (t) => {
  const agent = await started(t)
  const setTag = (method: string): void => {
    act(agent.host.simulator, { dest: 'win-b', method, arg: 'office', payload: '' })
  }
  const vcpusOfB = (): unknown => agent.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus')
  setTag('admin.vm.tag.Set')
  agent.branch.commit(`${spec(3)}select:\n  - { match: { tag: office }, qube: { vcpus: 5 } }\n`)
  await agent.pass(5 * MINUTE)
  assert.equal(vcpusOfB(), 5)
  setTag('admin.vm.tag.Remove')
  await agent.pass(HOUR)
  assert.equal(vcpusOfB(), 5)
  assert.deepEqual(
    agent.memory().held.map(({ qube, why }) => [qube, why]),
    [['win-b', 'withdrawal']],
  )
  setTag('admin.vm.tag.Set')
  await agent.pass(1000)
  assert.deepEqual(agent.memory().held, [])
})

for (const [what, set] of [
  ['the network', { 'qube/netvm': '' }],
  ['names that Qubes keeps for itself', { 'tags/guivm-dom0': true, 'qube/features/internal': '1' }],
] as const)
  test(`a record written by someone else that claims ${what} gets nothing withdrawn`, async (t) => {
    const agent = await started(t)
    const { simulator } = agent.host
    act(simulator, { dest: 'win-b', method: 'admin.vm.property.Set', arg: 'netvm', payload: '' })
    agent.host.setFeature('win-b', 'internal', '1')
    act(simulator, { dest: 'win-b', method: 'admin.vm.tag.Set', arg: 'guivm-dom0', payload: '' })
    const uuid = simulator.host.qubes.get('win-b')?.properties.get('uuid')
    for (const v of [1, 2]) {
      const orig = Object.fromEntries(Object.keys(set).map((_, place) => [place, null]))
      const record = { v, uuid, name: 'test', at: '2026-01-01T00:00:00.000Z', orig, set }
      agent.host.setFeature('win-b', RECORD, JSON.stringify(record))
      const before = agent.host.snapshot()
      await agent.pass(2 * HOUR)
      assert.deepEqual(changedKeys(before, agent.host.snapshot()), [])
      assert.deepEqual(agent.memory().held, [])
    }
  })

test('a drifted setting that is held makes no whole withdrawal of what a commit drops beside it', async (t) => {
  const agent = await started(t, { policy: policyOf('apply', 'report') })
  agent.branch.commit(spec(3, ', memory: 4096'))
  await agent.pass(5 * MINUTE)
  agent.setVcpus(8)
  await agent.pass(1000)
  agent.branch.commit(spec(3))
  await agent.pass(5 * MINUTE)
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.properties.get('memory'), undefined)
  assert.deepEqual(
    agent.memory().held.map(({ path, why }) => [path, why]),
    [['qube/vcpus', 'reported']],
  )
})

test('where the policy lets stand what is no longer named, a whole qube is reported as that', async (t) => {
  const agent = await started(t, { policy: policyOf('apply', 'correct', 'report') })
  agent.branch.commit(ONLY_B)
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(agent.memory().held, [{ qube: 'win-a', path: 'qube/vcpus', why: 'reported', until: null }])
  assert.equal(agent.memory().applied?.commit, agent.branch.tip)
})

test('a commit alone removes no qube', async (t) => {
  const agent = await started(t)
  agent.branch.commit('apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { ensure: absent }\n')
  await agent.pass(HOUR)
  assert.ok(agent.host.simulator.host.qubes.has('win-a'))
  assert.equal(agent.memory().held[0]?.why, 'removal')
})

test('a qube that a selector comes to mean, or that is created, is found by its event', async (t) => {
  const agent = await started(t)
  agent.branch.commit(`${spec(3)}select:\n  - { match: { tag: office }, qube: { vcpus: 5 } }\n`)
  await agent.pass(5 * MINUTE)
  act(agent.host.simulator, { dest: 'win-b', method: 'admin.vm.tag.Set', arg: 'office', payload: '' })
  await agent.pass(1000)
  assert.equal(agent.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus'), 5)
})

test('what waits for a restart is listed until the qube has been restarted', async (t) => {
  const agent = await started(t, {}, [{ name: 'win-a', state: 'Running' }])
  assert.deepEqual(agent.memory().waiting, [{ qube: 'win-a', paths: ['qube/vcpus'], restart: 'never' }])
  for (const method of ['admin.vm.Shutdown', 'admin.vm.Start'])
    act(agent.host.simulator, { dest: 'win-a', method, arg: '', payload: '' })
  await agent.pass(1000)
  assert.deepEqual(agent.memory().waiting, [])
})

test('a qube is restarted within the window that its spec gives, and not before', async (t) => {
  const agent = await started(t, {}, [{ name: 'win-a', state: 'Running' }])
  agent.branch.commit(spec(5).replace('{ qube', '{ restart: { window: "02:00-04:00" }, qube'))
  await agent.pass(5 * MINUTE)
  const shutdowns = (): number =>
    agent.host.simulator.requests.filter(({ method }) => method === 'admin.vm.Shutdown').length
  await agent.pass(17 * HOUR)
  assert.equal(shutdowns(), 0)
  await agent.pass(2 * HOUR)
  assert.equal(shutdowns(), 1)
  assert.equal(agent.host.simulator.host.qubes.get('win-a')?.state, 'Running')
  assert.deepEqual(agent.memory().waiting, [])
  assert.ok(agent.told().includes('restarted'))
})

for (const { what, arrange, end, code } of [
  {
    what: 'a qube that would not start again',
    arrange: ({ simulator }: TestHost) => {
      call(simulator, 'feature.Set', 'prohibit-start', 'compromised')
    },
    end: ({ simulator }: TestHost) => {
      call(simulator, 'feature.Remove', 'prohibit-start')
    },
    code: 'start-prohibited',
  },
  {
    what: 'a qube whose devices others have',
    arrange: ({ simulator }: TestHost) => {
      simulator.host.usb.set('win-a', simulator.host.usb.get('sys-usb') ?? [])
      simulator.host.attachments.set(`win-a ${portIn(simulator)}`, 'win-b')
    },
    end: ({ simulator }: TestHost) => {
      simulator.host.attachments.clear()
    },
    code: 'devices-in-use',
  },
]) {
  test(`${what} is not restarted: the log and status say why, and it is tried again`, async (t) => {
    const qubes: readonly WindowsQube[] = [
      { name: 'win-a', state: 'Running' },
      { name: 'win-b', state: 'Running' },
    ]
    const agent = await started(t, {}, qubes)
    const { simulator } = agent.host
    arrange(agent.host)
    agent.branch.commit(spec(5).replace('{ qube', '{ restart: now, qube'))
    agent.nudge()
    await agent.pass(10 * MINUTE)
    const shutdowns = (): number =>
      simulator.requests.filter(({ method }) => method === 'admin.vm.Shutdown').length
    assert.equal(shutdowns(), 0)
    assert.equal(agent.memory().waiting[0]?.held?.code, code)
    const said = agent.log.filter((line) => line.startsWith('warn win-a is not restarted: '))
    assert.equal(said.length, 1, 'said once, however often it is tried')
    end(agent.host)
    await agent.pass(HOUR)
    assert.equal(shutdowns(), 1)
    assert.deepEqual(agent.memory().waiting, [])
  })
}

const call = (simulator: TestHost['simulator'], method: string, arg: string, payload = ''): void => {
  act(simulator, { dest: 'win-a', method: `admin.vm.${method}`, arg, payload })
}

const portIn = ({ host }: TestHost['simulator']): string => host.usb.get('win-a')?.[0]?.port ?? ''

test('killed at any call, it converges when it begins again, and keeps to the commit in force', async (t) => {
  for (let nth = 1; nth <= 12; nth += 1) {
    const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }]) })
    const agent = agentWorld(host, { policy: APPLY })
    agent.branch.commit(spec(3, ', memory: 4096'))
    agent.begin()
    const { taken } = untilRequest(host.simulator, () => true, nth)
    await Promise.race([taken, agent.pass(1000)])
    await agent.kill()
    agent.branch.reachable = nth % 2 === 0
    agent.begin()
    await agent.pass(1000)
    agent.branch.reachable = true
    await agent.pass(10 * MINUTE)
    const qube = host.simulator.host.qubes.get('win-a')
    assert.deepEqual(
      [qube?.properties.get('vcpus'), qube?.properties.get('memory')],
      [3, 4096],
      `call ${nth}`,
    )
    assert.equal(agent.memory().applied?.commit, agent.branch.tip)
    await agent.stop()
  }
})

test('the commit in force is so again at the next start, whether or not its repository answers', async (t) => {
  const agent = await started(t)
  await agent.stop()
  agent.setVcpus(8)
  agent.branch.reachable = false
  agent.begin()
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
})

test('ends cleanly when it is told to, in the midst of things', async (t) => {
  const agent = await started(t)
  agent.branch.commit(spec(4))
  agent.nudge()
  await agent.stop()
  assert.equal(agent.log.at(-1), 'info stopped')
  assert.deepEqual(
    agent.log.filter((line) => line.startsWith('BUG')),
    [],
  )
})

/** Two running qubes that wait for a restart which their spec lets them have, and whose shutdown takes as long as the test says. */
async function slowToHalt(
  t: TestContext,
  restart: string,
  options: Partial<AgentWorldOptions> = {},
): Promise<Started & { halt(qube: string): void; asked(): readonly string[] }> {
  const qubes = ['win-a', 'win-b'].map((name): WindowsQube => ({ name, state: 'Running' }))
  const agent = await started(t, options, qubes)
  const { simulator } = agent.host
  simulator.setFaults([{ match: { method: 'admin.vm.Shutdown' }, do: 'pretend' }])
  const body = `{ restart: ${restart}, qube: { vcpus: 5 } }`
  agent.branch.commit(`apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: ${body}\n  win-b: ${body}\n`)
  agent.nudge()
  await agent.pass(10_000)
  return Object.assign(agent, {
    halt: (qube: string) => {
      act(simulator, { dest: qube, method: 'admin.vm.Shutdown', arg: '', payload: '' })
    },
    asked: () =>
      simulator.requests.filter(({ method }) => method === 'admin.vm.Shutdown').map(({ dest }) => dest),
  })
}

const stateOf = ({ host }: Started, qube: string): string | undefined =>
  host.simulator.host.qubes.get(qube)?.state

test('while a qube takes its time to shut down, changes elsewhere are noticed and commits are taken', async (t) => {
  const agent = await slowToHalt(t, 'now')
  assert.deepEqual(agent.asked(), ['win-a'])
  act(agent.host.simulator, { dest: 'win-b', method: 'admin.vm.property.Set', arg: 'vcpus', payload: '8' })
  await agent.pass(1000)
  assert.equal(agent.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus'), 5)
  agent.halt('win-a')
  await agent.pass(10_000)
  assert.equal(stateOf(agent, 'win-a'), 'Running')
  assert.deepEqual(agent.asked(), ['win-a', 'win-b'])
})

test('suspended while one qube shuts down, it shuts down no other, and starts the one again', async (t) => {
  const agent = await slowToHalt(t, 'now')
  await agent.store().suspend({ until: null, by: 'alice', since: '', why: '' })
  agent.halt('win-a')
  await agent.pass(HOUR)
  assert.equal(stateOf(agent, 'win-a'), 'Running')
  assert.deepEqual(agent.asked(), ['win-a'])
  assert.deepEqual(agent.memory().restarting, {})
})

test('a window that closes while one qube shuts down is closed for the others', async (t) => {
  const agent = await slowToHalt(t, '{ window: "07:50-08:10" }')
  assert.deepEqual(agent.asked(), ['win-a'])
  await agent.pass(12 * MINUTE)
  agent.halt('win-a')
  await agent.pass(HOUR)
  assert.equal(stateOf(agent, 'win-a'), 'Running')
  assert.deepEqual(agent.asked(), ['win-a'])
})

for (const how of ['stop', 'kill'] as const)
  test(`a qube whose restart was cut off by a ${how} is started at the next start of the agent`, async (t) => {
    const agent = await slowToHalt(t, 'now')
    await agent[how]()
    agent.halt('win-a')
    agent.begin()
    await agent.pass(MINUTE)
    assert.equal(stateOf(agent, 'win-a'), 'Running')
    assert.equal(agent.memory().restarting['win-a'], undefined)
  })

test('a qube that halts only after nobody waits for it any more is started all the same', async (t) => {
  const agent = await slowToHalt(t, 'now')
  // Not halted after fifteen minutes: that try is over, and so is the one of the other qube a quarter later.
  await agent.pass(16 * MINUTE)
  agent.halt('win-a')
  await agent.pass(20 * MINUTE)
  assert.equal(stateOf(agent, 'win-a'), 'Running')
})

test('a qube that its user shuts down long after a restart came to nothing stays down', async (t) => {
  const agent = await slowToHalt(t, '{ window: "07:50-08:02" }')
  await agent.pass(5 * HOUR)
  agent.halt('win-a')
  await agent.pass(HOUR)
  assert.equal(stateOf(agent, 'win-a'), 'Halted')
})

test('a restart that comes to nothing is tried again later and later, by the clock alone', async (t) => {
  const agent = await slowToHalt(t, 'now', { restartTimeout: 30 })
  await agent.pass(2 * HOUR)
  const tries = agent.asked().filter((qube) => qube === 'win-a').length
  assert.ok(tries >= 5 && tries <= 8, `${tries} tries`)
})

test('a server that does not answer keeps nobody waiting', async (t) => {
  const agent = await started(t)
  let answer = (): void => undefined
  agent.branch.stalled = new Promise((resolve) => (answer = resolve))
  agent.branch.commit(spec(4))
  await agent.pass(6 * MINUTE)
  agent.setVcpus(8)
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
  answer()
  agent.branch.stalled = null
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 4)
})

test('what changes while everything is being compared is not missed', async (t) => {
  const agent = await started(t)
  await agent.stop()
  const { taken } = untilRequest(
    agent.host.simulator,
    ({ method, dest }) => method === 'admin.vm.property.Get' && dest === 'win-a',
    agent.host.simulator.requests.filter(
      ({ method, dest }) => method === 'admin.vm.property.Get' && dest === 'win-a',
    ).length,
  )
  agent.begin()
  const passing = agent.pass(1000)
  await taken
  agent.setVcpus(8)
  await passing
  await agent.pass(1000)
  assert.equal(agent.vcpus(), 3)
})

test('a host that says nothing of events is compared all the same', async (t) => {
  const agent = await started(t, { silent: true })
  await agent.pass(MINUTE)
  assert.equal(agent.vcpus(), 3)
  agent.branch.commit(spec(4))
  await agent.pass(5 * MINUTE)
  assert.equal(agent.vcpus(), 4)
})

test('two agents that want a host different do not fight over it', async (t) => {
  const agent = await started(t)
  const other = agentWorld(agent.host, { policy: APPLY, stateDir: 'elsewhere' })
  t.after(() => other.stop())
  other.branch.commit(spec(6))
  other.begin()
  agent.host.simulator.clearLog()
  for (let minute = 0; minute < 6 * 60; minute += 1) {
    await agent.pass(MINUTE)
    await other.pass(MINUTE)
  }
  const writes = agent.host.simulator.requests.filter(
    ({ method }) => method === 'admin.vm.property.Set',
  ).length
  assert.equal(writes, 0)
  assert.equal(agent.vcpus(), 3)
  assert.deepEqual(
    other.memory().blocked.map(({ qube, problem }) => [qube, problem.code]),
    [['win-a', 'unproven-record']],
  )
})

test('a newer commit is proposed anew, whatever of it is new', async (t) => {
  const agent = await started(t, { policy: policyOf('propose', 'correct') })
  const creation = (label: string): string =>
    `apiVersion: qstate/v1\nname: test\nqubes:\n  win-new: { ensure: { class: StandaloneVM, label: ${label} } }\n`
  for (const label of ['red', 'blue']) {
    agent.branch.commit(creation(label))
    await agent.pass(5 * MINUTE)
    const saved = JSON.parse(readFileSync(agent.memory().proposed?.file ?? '', 'utf8')) as {
      spec: { commit: string }
      qubes: { create?: { label: string } }[]
    }
    assert.equal(saved.spec.commit, agent.branch.tip)
    assert.equal(saved.qubes.find(({ create }) => create !== undefined)?.create?.label, label)
  }
})

test('a suspension that is over is shown no more', async (t) => {
  const agent = await started(t)
  const until = new Date(agent.clock.now().getTime() + HOUR).toISOString()
  await agent.store().suspend({ until, by: 'alice', since: '', why: '' })
  await agent.pass(30 * MINUTE)
  assert.equal(agent.memory().suspended?.by, 'alice')
  await agent.pass(2 * HOUR)
  assert.equal(agent.memory().suspended, null)
})

test('a disk that says no is told and tried again, and ends nothing', async (t) => {
  const agent = await started(t)
  agent.told()
  const lock = join(agent.place(), 'lock')
  mkdirSync(lock)
  agent.setVcpus(8)
  await agent.pass(10 * MINUTE)
  assert.equal(agent.vcpus(), 8)
  assert.deepEqual(agent.told(), ['error'])
  rmdirSync(lock)
  await agent.pass(6 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  assert.ok(agent.told().includes('recovered'))
})

test('a clock that is set back puts nothing off for longer than it would have been', async (t) => {
  const agent = await started(t)
  await agent.pass(HOUR)
  agent.clock.shift(-30 * 24 * HOUR)
  const next = agent.branch.commit(spec(4))
  await agent.pass(6 * MINUTE)
  assert.equal(agent.memory().applied?.commit, next)
  agent.setVcpus(8)
  await agent.pass(MINUTE)
  assert.equal(agent.vcpus(), 4)
})

test('a daemon that is away for a night, and a repository with it, is told once, and said once in the log', async (t) => {
  const agent = await started(t)
  agent.told()
  agent.log.splice(0)
  agent.host.simulator.setFaults([{ match: {}, do: 'drop-before' }])
  agent.branch.reachable = false
  agent.setVcpus(8)
  // Its events are asked for again and again, and it is compared in between: each finds other words for it.
  for (let times = 0; times < 50; times += 1) {
    await agent.away(true)
    await agent.pass(10 * MINUTE)
  }
  assert.deepEqual(agent.told().toSorted(), ['error', 'unreachable'])
  assert.deepEqual(agent.log.length, new Set(agent.log).size, agent.log.join('\n'))
  agent.host.simulator.setFaults([])
  agent.branch.reachable = true
  await agent.away(false)
  await agent.pass(10 * MINUTE)
  assert.equal(agent.vcpus(), 3)
  agent.told()
  // The next time is news again.
  agent.log.splice(0)
  await agent.away(true)
  await agent.away(true)
  await agent.pass(MINUTE)
  assert.deepEqual(agent.told(), ['error'])
  assert.ok(agent.log.some((line) => line.includes('the event stream ended')))
})

test('what is heard while the memory is being saved is not forgotten', async (t) => {
  const agent = await started(t)
  let saved = (): void => undefined
  agent.saving = new Promise((resolve) => (saved = resolve))
  const next = agent.branch.commit(spec(4))
  await agent.pass(6 * MINUTE)
  await agent.away(true)
  await agent.pass(1000)
  agent.saving = null
  saved()
  agent.nudge()
  await agent.pass(1000)
  assert.equal(agent.memory().events, 'lost')
  assert.equal(agent.memory().inForce?.commit, next)
})

test('that what it knows cannot be kept is said once, with the place and what to do, and that it can again', async (t) => {
  const agent = await started(t)
  agent.log.splice(0)
  const full = Object.assign(new Error('ENOSPC'), {
    code: 'ENOSPC',
    syscall: 'write',
    path: '/s/memory.json',
  })
  agent.saving = Promise.reject(full)
  agent.saving.catch(() => undefined)
  for (let value = 4; value < 8; value += 1) {
    agent.setVcpus(value)
    await agent.pass(HOUR)
  }
  const about = (): readonly string[] =>
    agent.log.splice(0).filter((line) => /what the agent knows/.test(line))
  assert.deepEqual(about(), [
    'error what the agent knows cannot be kept: /s/memory.json: no space is left there (ENOSPC)',
  ])
  agent.saving = null
  await agent.pass(HOUR)
  assert.deepEqual(about(), ['info what the agent knows is kept again'])
})

test('what a commit asks and cannot be planned is said once, with why and what to do, and again when it is otherwise', async (t) => {
  const agent = await started(t)
  agent.log.splice(0)
  agent.branch.commit('apiVersion: qstate/v1\nname: test\nqubes:\n  no-such-qube: { qube: { vcpus: 3 } }\n')
  await agent.pass(3 * HOUR)
  const blocked = (): readonly string[] => agent.log.splice(0).filter((line) => line.startsWith('warn'))
  assert.deepEqual(blocked(), ['warn no-such-qube: there is no such qube'])
  agent.branch.commit('apiVersion: qstate/v1\nname: test\nqubes:\n  another: { qube: { vcpus: 3 } }\n')
  await agent.pass(3 * HOUR)
  assert.deepEqual(blocked(), ['warn another: there is no such qube'])
})

test('a mistake that nobody foresaw ends the agent, in the background, too', async (t) => {
  const agent = await started(t)
  agent.branch.bug = new TypeError('undefined is not a function')
  await agent.pass(6 * MINUTE)
  assert.deepEqual(
    agent.log.filter((line) => line.startsWith('BUG')),
    ['BUG TypeError: undefined is not a function'],
  )
  await assert.rejects(agent.stop(), /undefined is not a function/)
})

test('a restart of the agent brings no daemon back: that it is away is not told again, nor that it is back', async (t) => {
  const agent = await started(t)
  agent.host.simulator.setFaults([{ match: {}, do: 'drop-before' }])
  agent.setVcpus(8)
  await agent.pass(MINUTE)
  const since = agent.memory().error?.since
  await agent.pass(HOUR)
  assert.deepEqual(agent.told().slice(-1), ['error'])
  await agent.kill()
  agent.begin()
  await agent.pass(HOUR)
  assert.deepEqual(agent.told(), [])
  assert.equal(agent.memory().error?.since, since)
  agent.host.simulator.setFaults([])
  await agent.pass(6 * MINUTE)
  assert.ok(agent.told().includes('recovered'))
})

test('a proposal that the disk does not take is told and said once, and since when', async (t) => {
  const agent = await started(t, { policy: policyOf('propose', 'correct') })
  agent.told()
  agent.log.splice(0)
  const file = agent.memory().proposed?.file ?? ''
  rmSync(file)
  mkdirSync(join(file, 'in the way'), { recursive: true })
  agent.setVcpus(8)
  await agent.pass(1000)
  const since = agent.memory().error?.since
  await agent.pass(HOUR)
  assert.deepEqual(agent.told(), ['error'])
  assert.equal(agent.log.filter((line) => line.startsWith('error')).length, 1, agent.log.join('\n'))
  assert.equal(agent.memory().error?.since, since)
  rmSync(file, { recursive: true })
  await agent.pass(6 * MINUTE)
  assert.deepEqual(agent.told(), ['recovered', 'proposed'])
})

for (const [drift, left] of [
  ['report', 5],
  ['correct', undefined],
] as const) {
  test(`a tag that is removed on the host is drift, which an agent that is to ${drift} it leaves or withdraws`, async (t) => {
    const world = await started(t, { policy: policyOf('apply', drift) })
    const tag = (method: 'Set' | 'Remove'): void => {
      act(world.host.simulator, {
        dest: 'win-b',
        method: `admin.vm.tag.${method}`,
        arg: 'office',
        payload: '',
      })
    }
    const vcpus = (): unknown => world.host.simulator.host.qubes.get('win-b')?.properties.get('vcpus')
    tag('Set')
    world.branch.commit(
      `${spec(3)}  win-b: { audio: { model: ac97 } }\nselect: [{ match: { tag: office }, qube: { vcpus: 5, memory: 4500 } }]\n`,
    )
    await world.pass(HOUR)
    assert.equal(vcpus(), 5)
    world.told()
    tag('Remove')
    await world.pass(HOUR)
    assert.equal(vcpus(), left)
    const of = world.memory().drift.map(({ qube, path, wanted, found }) => [qube, path, wanted, found])
    const reported = [
      ['win-b', 'qube/memory', null, 4500],
      ['win-b', 'qube/vcpus', null, 5],
    ]
    assert.deepEqual(of, drift === 'report' ? reported : [])
    assert.equal(world.memory().settled, true)
    if (drift === 'correct') return
    assert.ok(world.told().includes('drift'))
    // A commit is what withdraws.
    world.branch.commit(`${spec(3)}  win-b: { audio: { model: ac97 } }\n`)
    await world.pass(HOUR)
    assert.equal(vcpus(), undefined)
    assert.deepEqual(world.memory().drift, [])
  })
}
