import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostReport, type RolloutState } from '../../documents/fleet/index.ts'
import { type Heard } from '../../fleet/rollout/draft.ts'
import { instruct, type Instruction } from '../../fleet/rollout/instruct.ts'
import { violations } from '../../fleet/rollout/invariants.ts'
import { orderId, orderOf } from '../../fleet/rollout/order.ts'
import { startRollout } from '../../fleet/rollout/start.ts'
import { step } from '../../fleet/rollout/step.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { chooseWaves } from '../../spec/fleet/choose.ts'
import { loadFleet } from '../../spec/fleet/load.ts'

const OLD = 'a'.repeat(40)
const NEW = 'b'.repeat(40)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** A rollout over hosts a to f that do as they are told, unless a test says otherwise. */
function rollout(yaml: string): Driver {
  const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `  ${name}: { reach: { socket: /${name} } }\n`)
  const { fleet, rollouts, diagnostics } = loadFleet([
    { path: 'f', text: `apiVersion: qstate/v1\nkind: Fleet\nname: f\nhosts:\n${hosts.join('')}` },
    {
      path: 'r',
      text: `apiVersion: qstate/v1\nkind: Rollout\nname: r\nrevision: main\n${yaml}\n`,
    },
  ])
  assert.ok(fleet && rollouts[0], JSON.stringify(diagnostics))
  const [spec] = rollouts
  const waves = chooseWaves(spec, fleet)
  return new Driver(startRollout({ serial: 7, spec, waves, commit: NEW, by: 'me', at: '' }))
}

class Driver {
  state: RolloutState
  recalls: readonly string[] = []
  /** What each host says; a host that is in `away` says nothing. */
  readonly says = new Map<string, Partial<HostReport>>()
  readonly away = new Set<string>()
  readonly #silent = new Map<string, number>()
  readonly #held = new Map<string, number>()

  constructor(state: RolloutState) {
    this.state = state
  }

  /** Hosts do their orders, and the rollout goes on until nothing changes; then so much time passes, minute by minute. */
  run(minutes = 0): this {
    for (let passed = 0; passed <= minutes; passed += 1) {
      for (let before = ''; before !== JSON.stringify(this.state);) {
        before = JSON.stringify(this.state)
        this.once(0)
      }
      if (passed < minutes) this.once(MINUTE)
    }
    return this
  }

  once(elapsedMs: number): void {
    const seen = new Map<string, Heard>()
    for (const name of Object.keys(this.state.hosts)) {
      const isAway = this.away.has(name)
      this.#silent.set(name, isAway ? (this.#silent.get(name) ?? DAY) + elapsedMs : 0)
      const silentMs = this.#silent.get(name) ?? 0
      const order = isAway ? null : orderOf(this.state, name)
      const said = this.says.get(name) ?? {}
      const looked = order?.look ?? false
      const report = { ...reportOf(name, order?.id ?? null, order?.commit ?? OLD), looked, ...said }
      const heldMs = report.held === null ? 0 : (this.#held.get(name) ?? 0) + elapsedMs
      this.#held.set(name, heldMs)
      seen.set(name, { report, silentMs, heldMs })
    }
    const before = this.state
    const { state, recalls } = step(before, seen, elapsedMs)
    assert.deepEqual(violations(state, before), [])
    this.state = state
    this.recalls = recalls
  }

  tell(what: Instruction): this {
    const next = instruct(this.state, { what, by: 'me', at: '' })
    assert.ok(next.ok, JSON.stringify(next))
    this.state = next.value
    return this.run()
  }

  get stages(): string {
    return Object.entries(this.state.hosts)
      .map(([name, { stage }]) => `${name}:${stage}`)
      .join(' ')
  }
}

const reportOf = (host: string, order: string | null, commit: string): HostReport => ({
  schema: 'qstate.report',
  version: 1,
  host,
  beat: 1,
  at: '',
  order,
  looked: false,
  status: 'applied',
  commit,
  digest: null,
  generation: 1,
  drift: 0,
  restarts: 0,
  notRunning: [],
  check: null,
  trouble: null,
  held: null,
  unseenSince: null,
  recalled: null,
})

const at = (turn: number): string => orderId(7, turn)
const failing = (turn: number): Partial<HostReport> => ({
  order: at(turn),
  status: 'failed',
  trouble: { code: 'in-use', message: 'sys-usb is gone', hint: '' },
})

test('where all is well every wave passes in turn, and the rollout succeeds', () => {
  const it = rollout('canary: {}\nwaves: [{ count: 2 }, {}]\nsoak: 10m\nmaxUnavailable: 2')
  it.run()
  assert.equal(it.stages, 'a:soaking b:waiting c:waiting d:waiting e:waiting f:waiting')
  it.run(9)
  assert.equal(it.state.wave, 0)
  it.run(2)
  assert.equal(it.stages, 'a:passed b:soaking c:soaking d:waiting e:waiting f:waiting')
  it.run(30)
  assert.equal(it.state.phase, 'succeeded')
  assert.equal(orderOf(it.state, 'f')?.commit, NEW)
})

test('no more hosts are at work than may be', () => {
  const it = rollout('waves: [{}]\nmaxUnavailable: 34%')
  for (const name of 'abcdef') it.says.set(name, { order: at(1), status: 'working' })
  it.run(5)
  assert.equal(it.stages, 'a:ordered b:ordered c:waiting d:waiting e:waiting f:waiting')
  it.says.delete('b')
  it.run()
  assert.equal(it.stages, 'a:ordered b:passed c:ordered d:waiting e:waiting f:waiting')
})

test('a canary that fails stops the rollout, and gets back what it had', () => {
  const it = rollout('canary: {}\nwaves: [{}]')
  it.says.set('a', failing(1))
  it.run()
  assert.equal(it.state.phase, 'rolling-back')
  assert.equal(it.state.why, '1 host failed, and 0 may')
  assert.deepEqual(orderOf(it.state, 'a'), {
    ...orderOf({ ...it.state, hosts: { a: { ...it.state.hosts['a']!, stage: 'ordered' } } }, 'a'),
    commit: OLD,
    back: true,
  })
  it.says.delete('a')
  it.run()
  assert.equal(it.state.phase, 'rolled-back')
  assert.equal(it.stages, 'a:returned b:waiting c:waiting d:waiting e:waiting f:waiting')
})

test('a host whose settings drift during the soak has failed', () => {
  const it = rollout('canary: {}\nwaves: [{}]\nsoak: 5m\nrollback: never')
  it.run(3)
  it.says.set('a', { drift: 2 })
  it.run(3)
  assert.equal(it.state.phase, 'aborted')
  assert.equal(it.state.hosts['a']?.why, '2 settings have drifted, and 0 may have')
})

const asking = (turn: number): Partial<HostReport> => ({
  order: at(turn),
  status: 'failed',
  trouble: { code: 'withdrawal-not-allowed', message: 'win7: so much', hint: 'on that host: accept' },
})

test('a host that asks for consent is waited for with what it says, and is no failure', () => {
  const it = rollout('canary: {}\nwaves: [{}]')
  it.says.set('a', asking(1))
  it.run(60)
  assert.equal(it.state.phase, 'running')
  assert.equal(it.stages, 'a:ordered b:waiting c:waiting d:waiting e:waiting f:waiting')
  const { why, problem } = it.state.hosts['a']!
  assert.deepEqual([why, problem?.hint], ['win7: so much', 'on that host: accept'])
  // Asleep or not: nothing is cut off.
  it.away.add('a')
  it.run(60)
  assert.equal(it.state.hosts['a']?.stage, 'ordered')
  it.away.delete('a')
  it.says.delete('a')
  it.run()
  assert.equal(it.state.phase, 'succeeded')
  assert.equal(it.state.hosts['a'].why, null)
})

for (const [what, stop] of [
  ['is aborted', (it: Driver) => it.tell('abort')],
  ['is past its deadline', (it: Driver) => it.run(60)],
] as const)
  test(`a host that asks for consent gets back what it had once the rollout ${what}`, () => {
    const it = rollout('waves: [{}]\nmaxUnavailable: 2\ndeadline: 30m')
    it.says.set('a', asking(1))
    it.run(10)
    assert.equal(it.stages, 'a:ordered b:passed c:passed d:passed e:passed f:passed')
    stop(it)
    assert.equal(orderOf(it.state, 'a')?.commit, OLD)
    it.says.delete('a')
    it.run(5)
    assert.equal(it.state.phase, 'rolled-back')
    assert.match(it.state.hosts['a']?.why ?? '', /^withdrawal-not-allowed: win7/)
  })

test('a host that went silent at work and asks for consent once it is heard of is waited for', () => {
  const it = rollout('waves: [{}]\nmaxFailures: 1\nmaxUnavailable: 6\naway: { after: 5m, then: later }')
  it.says.set('a', { order: at(1), status: 'working' })
  it.run(2)
  it.away.add('a')
  it.run(10)
  assert.equal(it.state.hosts['a']?.stage, 'lost')
  it.away.delete('a')
  it.says.set('a', asking(1))
  it.run(2)
  assert.deepEqual([it.state.phase, it.state.hosts['a'].stage], ['running', 'ordered'])
})

for (const { reason, health, says, why } of [
  {
    reason: 'qubes that should run',
    health: 'running: [work]',
    says: { notRunning: ['work'] },
    why: 'not running: work',
  },
  {
    reason: 'restarts that wait',
    health: 'pendingRestarts: 1',
    says: { restarts: 2 },
    why: '2 qubes wait for a restart, and 1 may',
  },
  {
    reason: 'a restart that would harm others',
    health: 'pendingRestarts: 0',
    says: {
      restarts: 1,
      restartsHeld: ['sys-usb: other qubes would lose devices of it: work has sys-usb+3-1'],
    },
    why: '1 qubes wait for a restart, and 0 may (sys-usb: other qubes would lose devices of it: work has sys-usb+3-1)',
  },
  {
    reason: 'the check',
    health: 'check: vpn',
    says: { check: 'failed' as const },
    why: 'the check vpn failed',
  },
]) {
  test(`a host that does not show what it must has failed: ${reason}`, () => {
    const it = rollout(`canary: {}\nwaves: [{}]\nhealth: { ${health} }\nrollback: never`)
    it.says.set('a', says)
    it.run()
    assert.equal(it.state.hosts['a']?.why, why)
    assert.equal(it.state.phase, 'aborted')
  })
}

test('a check that has not been run yet is waited for', () => {
  const it = rollout('canary: {}\nwaves: [{}]\nhealth: { check: vpn }\nmaxUnavailable: 6')
  it.run(60)
  assert.equal(it.state.hosts['a']?.stage, 'soaking')
  for (const name of 'abcdef') it.says.set(name, { check: 'passed' })
  it.run()
  assert.equal(it.state.phase, 'succeeded')
})

test('without a soak, too, a host is asked how it is: what it said when it was done shows nothing of its qubes', () => {
  const it = rollout('canary: {}\nwaves: [{}]\nhealth: { running: [sys-usb] }\nmaxUnavailable: 6')
  for (const name of 'abcdef') it.says.set(name, { looked: false })
  it.run(60)
  assert.match(it.stages, /^a:soaking b:waiting/)
  for (const name of 'abcdef') it.says.set(name, { notRunning: ['sys-usb'] })
  it.run()
  assert.match(it.state.hosts['a']?.why ?? '', /not running: sys-usb/)
})

test('failures that are allowed do not stop it, and it does not end as a success', () => {
  const it = rollout('canary: {}\nwaves: [{}]\nmaxFailures: 1\nmaxUnavailable: 6')
  it.says.set('c', failing(1))
  it.run()
  assert.equal(it.state.phase, 'partial')
  assert.match(it.stages, /c:failed d:passed/)
})

test('a percentage of failures counts in each wave', () => {
  const it = rollout('waves: [{ count: 2 }, {}]\nmaxFailures: 50%\nmaxUnavailable: 6\nrollback: never')
  it.says.set('a', failing(1))
  for (const name of 'cde') it.says.set(name, failing(1))
  it.run()
  assert.equal(it.state.why, '3 hosts failed in wave-2, and 2 may')
})

test('a revision whose signature one host does not take is given to no other', () => {
  const it = rollout('waves: [{}]\nmaxFailures: 6')
  const trouble = problem('bad-signature', 'not signed', '')
  it.says.set('a', { order: at(1), status: 'refused', trouble })
  it.run()
  assert.equal(it.state.why, 'a: not signed')
  assert.equal(orderOf(it.state, 'b'), null)
})

test('a wave that needs approval waits for it, and its hosts are not passed over while it does', () => {
  const it = rollout(
    'canary: {}\nwaves: [{ approval: manual }]\naway: { after: 5m, then: skip }\nmaxUnavailable: 6',
  )
  it.away.add('c')
  it.run(60)
  assert.equal(it.stages, 'a:passed b:waiting c:waiting d:waiting e:waiting f:waiting')
  it.tell('approve')
  assert.equal(it.state.phase, 'succeeded')
  assert.match(it.stages, /c:skipped/)
})

test('nothing new is begun while it is paused', () => {
  const it = rollout('waves: [{}]')
  it.says.set('a', { order: at(1), status: 'working' })
  it.run().tell('pause')
  it.says.delete('a')
  it.run(5)
  assert.match(it.stages, /a:passed b:waiting/)
  it.tell('resume')
  assert.equal(it.state.phase, 'succeeded')
})

test('an abort waits for hosts at work, takes back what nobody has begun, then gives everyone what they had', () => {
  const it = rollout('waves: [{}]\nmaxUnavailable: 2')
  it.says.set('a', { order: at(1), status: 'working' })
  it.says.set('b', { order: null })
  it.run().tell('abort')
  assert.deepEqual(it.recalls, ['b'])
  assert.equal(it.state.phase, 'stopping')
  it.says.set('b', { order: null, recalled: at(1) })
  it.says.delete('a')
  it.run()
  assert.equal(it.state.phase, 'rolled-back')
  assert.match(it.stages, /a:returned b:skipped c:waiting/)
})

test('a rollout that succeeded can be taken back', () => {
  const it = rollout('waves: [{}]\nmaxUnavailable: 3')
  it.run().tell('rollback')
  assert.equal(it.state.phase, 'rolled-back')
  assert.equal(orderOf(it.state, 'f')?.commit, OLD)
})

test('a host that had nothing before keeps the revision, and that is no rollback', () => {
  const it = rollout('waves: [{}]\nmaxUnavailable: 6')
  it.says.set('a', { order: null, commit: null })
  it.once(0)
  it.says.delete('a')
  it.run().tell('rollback')
  assert.equal(it.state.phase, 'aborted')
  assert.match(it.stages, /a:kept b:returned/)
})

test('past its deadline it is stopped', () => {
  const it = rollout('waves: [{ approval: manual }]\ndeadline: 1h')
  it.run(61)
  assert.equal(it.state.why, 'it had not ended by its deadline')
  assert.equal(it.state.phase, 'rolled-back')
})

test('a wave waits for hosts that are away, where it says so', () => {
  const it = rollout('waves: [{}]\naway: { after: 5m, then: wait }')
  it.away.add('b')
  it.run(600)
  assert.match(it.stages, /a:passed b:waiting c:passed/)
  assert.equal(it.state.phase, 'running')
})

test('a host that comes back later is given the revision then', () => {
  const it = rollout('waves: [{}]\naway: { after: 5m, then: later }\nmaxUnavailable: 2')
  it.away.add('b')
  it.run(30)
  assert.match(it.stages, /a:passed b:later c:passed d:passed e:passed f:passed/)
  assert.equal(it.state.phase, 'running')
  it.away.delete('b')
  it.run()
  assert.equal(it.state.phase, 'succeeded')
})

test('a host that its owner holds is given nothing, and passed over once it has been held for as long as one may be away', () => {
  const it = rollout(
    'maxUnavailable: 1\ncanary: { hosts: [a] }\nwaves: [{}]\naway: { after: 1h, then: later }',
  )
  it.says.set('b', { order: null, commit: OLD, held: 'suspended' })
  it.run(59)
  assert.equal(it.stages, 'a:passed b:waiting c:passed d:passed e:passed f:passed')
  it.run(3)
  assert.match(it.stages, /b:later/)
  assert.equal(it.state.hosts['b']?.why, 'held when its turn came: suspended')
  assert.equal(it.state.phase, 'running')
  it.says.delete('b')
  it.run(1)
  assert.equal(it.state.phase, 'succeeded')
})

test('a wave waits for a host that is held, where it waits for those that are away', () => {
  const it = rollout('maxUnavailable: 6\ncanary: { hosts: [a] }\nwaves: [{ hosts: [b] }, {}]')
  it.says.set('b', { order: null, commit: OLD, held: 'outside its times' })
  it.run(3 * 24 * 60)
  assert.match(it.stages, /^a:passed b:waiting c:waiting/)
  it.says.delete('b')
  it.run(1)
  assert.equal(it.state.phase, 'succeeded')
})

test('an order that a host was given before it was held is taken back, and holds no place', () => {
  const it = rollout('maxUnavailable: 1\naway: { after: 1h, then: later }\nwaves: [{}]')
  it.says.set('b', { order: null, commit: OLD })
  it.run(1)
  assert.match(it.stages, /b:ordered c:waiting/)
  it.says.set('b', { order: null, commit: OLD, held: 'outside its windows' })
  it.once(0)
  assert.deepEqual(it.recalls, ['b'])
  it.says.set('b', { order: null, commit: OLD, held: 'outside its windows', recalled: orderId(7, 1) })
  it.run(1)
  assert.match(it.stages, /b:waiting c:passed/)
  it.says.delete('b')
  it.run(1)
  assert.equal(it.state.phase, 'succeeded')
})

test('a host that is held at work keeps nobody from getting back what they had', () => {
  const it = rollout('maxUnavailable: 6\nwaves: [{}]')
  for (const name of 'ab') it.says.set(name, { status: 'working' })
  it.run(1)
  it.says.set('b', { status: 'working', held: 'suspended' })
  it.says.set('a', failing(1))
  it.once(0)
  it.says.delete('a')
  it.run(1)
  assert.equal(it.state.phase, 'rolling-back')
  assert.match(it.stages, /a:returned b:lost c:returned/)
  // Freed, it ends what it had begun, and goes back like the others.
  it.says.set('b', { status: 'working' })
  it.run(1)
  it.says.delete('b')
  it.run(1)
  assert.equal(it.state.phase, 'rolled-back')
})

test('a report of another commit is no answer to an order, whatever its number', () => {
  const it = rollout('waves: [{}]')
  it.says.set('a', { commit: OLD })
  it.run(60)
  assert.match(it.stages, /^a:ordered b:waiting/)
})

test('a canary that is away is waited for: nobody else goes first', () => {
  const it = rollout('canary: {}\nwaves: [{}]\naway: { after: 5m, then: skip }')
  it.away.add('a')
  it.run(600)
  assert.equal(it.stages, 'a:waiting b:waiting c:waiting d:waiting e:waiting f:waiting')
})

test('a host that goes silent at work has failed, since the revision may be why', () => {
  const it = rollout('waves: [{}]\naway: { after: 5m, then: skip }\nmaxUnavailable: 2')
  it.says.set('b', { order: at(1), status: 'working' })
  it.run()
  it.away.add('b')
  it.run(6)
  assert.equal(it.state.hosts['b']?.why, 'went silent at work')
  assert.equal(it.state.why, '1 host failed, and 0 may')
})

test('a host that goes silent while it goes back holds its place until it is heard of', () => {
  const it = rollout('waves: [{}]\naway: { after: 5m, then: skip }')
  it.run()
  it.says.set('a', { order: at(2), status: 'working' })
  it.tell('rollback')
  it.away.add('a')
  it.run(60)
  assert.equal(it.stages, 'a:missing b:owed c:owed d:owed e:owed f:owed')
  it.away.delete('a')
  it.says.delete('a')
  it.run()
  assert.equal(it.state.phase, 'rolled-back')
})

test('what was said before the soak ended shows nothing about what came after', () => {
  const it = rollout('canary: {}\nwaves: [{}]\nsoak: 5m\naway: { after: 1h, then: wait }')
  it.run(1)
  it.says.set('a', { order: at(1), commit: NEW })
  it.away.add('a')
  it.run(30)
  assert.equal(it.state.hosts['a']?.stage, 'soaking')
})

test('what a person says at the wrong moment is refused with what to do', () => {
  const it = rollout('waves: [{}]\nmaxUnavailable: 6').run()
  for (const what of ['approve', 'pause', 'resume', 'abort'] as const) {
    assert.equal(instruct(it.state, { what, by: 'me', at: '' }).ok, false, what)
  }
})
