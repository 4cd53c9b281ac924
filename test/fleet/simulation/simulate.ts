import assert from 'node:assert/strict'
import { type HostReport, type RolloutState } from '../../../documents/fleet/index.ts'
import { instruct, type Instruction } from '../../../fleet/rollout/instruct.ts'
import { violations } from '../../../fleet/rollout/invariants.ts'
import { startRollout } from '../../../fleet/rollout/start.ts'
import { isEnded, needsApproval } from '../../../fleet/rollout/state.ts'
import { hostOf, KEYS } from '../../../fleet/store/store.ts'
import { randomFrom } from '../../fuzz/random.ts'
import { carryOn, makeHost, type SimulatedHost } from './host.ts'
import { type Machine, startController, startMember, type World } from './machines.ts'
import { put, type Server } from './network.ts'
import { makeScenario, NEW, OLD } from './scenario.ts'
import { makeScheduler } from './scheduler.ts'

export interface Ending {
  readonly phase: RolloutState['phase']
  readonly events: number
  readonly troubles: number
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** One fleet, one rollout, and all that can go wrong: until it has, and then until the rollout has ended. Throws at what must not be. */
export async function simulate(seed: number, log: (line: string) => void = () => undefined): Promise<Ending> {
  const random = randomFrom(seed)
  const scenario = makeScenario(random)
  const scheduler = makeScheduler(random)
  const hosts = scenario.hosts.map((name) => makeHost(name, random.below(10) === 0 ? null : OLD))
  const isSigned = scenario.commits.get(NEW)!.signed
  let last: RolloutState | null = null
  const saidAt = new Map<string, number>()
  const appliedAt = new Map<string, number>()
  /** A host is heard where it wrote itself: taking an order back changes nothing else. */
  const saidBy = (key: string, report: HostReport, before: HostReport | undefined): void => {
    if (report.beat === before?.beat) return
    saidAt.set(hostOf(key), scheduler.nowMs())
    const isNew = before?.status !== 'applied' || before.order !== report.order
    if (report.status === 'applied' && isNew) appliedAt.set(hostOf(key), scheduler.nowMs())
  }
  /** By true time: a host passed for what it said after its soak, as well as the clocks can tell. */
  const checkSoaks = (state: RolloutState, was: RolloutState | null): void => {
    for (const [name, { stage, wave }] of Object.entries(state.hosts)) {
      const before = was?.hosts[name]?.stage
      if (stage === before) continue
      const soak = state.waves[wave]!.soakMs
      if (stage !== 'passed' || soak === 0) continue
      const watched = saidAt.get(name)! - appliedAt.get(name)!
      assert.ok(watched >= soak * 0.95, `${name} passed before its soak ended`)
    }
  }
  const server: Server = {
    documents: new Map(),
    down: false,
    watchers: new Set(),
    onPut: ({ key, value }, before) => {
      log(`${scheduler.nowMs()} ${key} ${JSON.stringify(value)}`)
      if (key.startsWith(KEYS.reports))
        saidBy(key, value as HostReport, before?.value as HostReport | undefined)
      if (key !== KEYS.rollout) return
      const state = value as RolloutState
      const was = before === null ? null : (before.value as RolloutState)
      checkSoaks(state, was)
      assert.deepEqual(violations(state, was), [], `stored at ${scheduler.nowMs()}`)
      last = state
    },
  }
  const weather = { lost: scenario.lost, doubled: scenario.doubled }
  const say = (who: string, text: string): void => {
    log(`${scheduler.nowMs()} ${who}: ${text}`)
    assert.doesNotMatch(text, /must not be/)
  }
  const world: World = { scheduler, server, weather, commits: scenario.commits, say }
  const stored = (): RolloutState => last!
  const tell = (what: Instruction): void => {
    const entry = server.documents.get(KEYS.rollout)!
    const next = instruct(entry.value as RolloutState, { what, by: 'someone', at: '' })
    if (next.ok) put(server, KEYS.rollout, next.value, entry.revision)
  }
  const start = { serial: 1, spec: scenario.spec, waves: scenario.waves, commit: NEW, by: 'someone', at: '' }
  put(server, KEYS.rollout, startRollout(start), 0)

  let controllers = Array.from({ length: scenario.controllers }, (_, index) =>
    startController(`c${index}`, world),
  )
  let calm = false
  const members = new Map(hosts.map((host) => [host.name, startMember(host, world)]))
  const machines = (): readonly Machine[] => [...controllers, ...members.values()]
  for (const host of hosts) {
    const work = (): void => {
      const link = members.get(host.name)!.link
      if (link.asleepUntil <= scheduler.nowMs()) carryOn(host, scenario.commits, scheduler.nowMs())
      if (calm) Object.assign(host, { silenced: false, held: false })
      scheduler.after(30_000 + random.below(30_000), work)
    }
    scheduler.after(0, work)
  }
  let troubles = 0
  const replaceController = (index: number): void => {
    const old = controllers[index]!
    old.link.dead = true
    controllers = controllers.map((one, at) => (at === index ? startController(one.name, world) : one))
  }
  const replaceMember = (host: SimulatedHost): void => {
    members.get(host.name)!.link.dead = true
    members.set(host.name, startMember(host, world))
  }
  const trouble = (): void => {
    troubles += 1
    const machine = random.pick(machines())
    const span = random.pick([1, 5, 30, 24 * 60, 3 * 24 * 60]) * MINUTE
    switch (random.below(7)) {
      case 0:
        replaceController(random.below(controllers.length))
        return
      case 1:
        replaceMember(random.pick(hosts))
        return
      case 2:
        machine.link.asleepUntil = scheduler.nowMs() + span
        return
      case 3:
        machine.link.cut = true
        scheduler.after(span, () => (machine.link.cut = false))
        return
      case 4:
        server.down = true
        scheduler.after(Math.min(span, 30 * MINUTE), () => (server.down = false))
        return
      case 5: {
        const host = random.pick(hosts)
        host.held = true
        scheduler.after(span, () => (host.held = false))
        return
      }
      default:
        if (scenario.meddling)
          tell(random.pick(['pause', 'resume', 'abort', 'rollback', 'approve', 'resume', 'approve']))
    }
  }
  const each = (): void => {
    // At any moment, and mostly in the middle of something.
    if (!calm && random.below(50_000) < scenario.trouble) trouble()
    checkWorld(stored(), hosts, isSigned)
  }
  await scheduler.run(scenario.forMs, each)
  calm = true
  // In the end all is mended; before that, sometimes, everyone is away for days.
  if (random.below(3) === 0) {
    const until = scheduler.nowMs() + 3 * DAY
    for (const { link } of machines()) link.asleepUntil = until
    scheduler.after(3 * DAY - 1, () => undefined)
    await scheduler.run(3 * DAY, each)
  }
  server.down = false
  Object.assign(weather, { lost: 0, doubled: 0 })
  for (const { link } of machines()) Object.assign(link, { cut: false, asleepUntil: 0 })
  for (const host of hosts) {
    Object.assign(host, { silenced: false, held: false })
    // The links of dead processes do not count.
    replaceMember(host)
  }
  controllers.forEach((_, index) => {
    replaceController(index)
  })
  await scheduler.run(2 * DAY, each, () => {
    if (stored().phase === 'paused') tell('resume')
    if (stored().phase === 'running' && needsApproval(stored())) tell('approve')
    return isEnded(stored())
  })
  const state = stored()
  assert.ok(isEnded(state), `it has not ended: ${JSON.stringify(state)}`)
  // A last look, once everyone has heard of it.
  await scheduler.run(60 * MINUTE, each)
  checkEnding(stored(), hosts)
  for (const machine of machines()) machine.link.dead = true
  return { phase: state.phase, events: scheduler.events(), troubles }
}

/** What must hold of the machines themselves, whatever the documents say. */
function checkWorld(state: RolloutState, hosts: readonly SimulatedHost[], isSigned: boolean): void {
  let forward = 0
  let back = 0
  for (const host of hosts) {
    assert.ok(host.inForce !== NEW || isSigned, `${host.name} has a commit with a bad signature`)
    if (host.work === null) continue
    const known = state.hosts[host.name]!
    if (host.work.commit === NEW) {
      forward += 1
      assert.ok(known.turn > 0, `${host.name} is at work, and was never ordered`)
      assert.ok(known.wave <= state.wave, `${host.name} is at work before its wave`)
      const may = ['ordered', 'lost']
      assert.ok(may.includes(known.stage), `${host.name} is at work, and counts as ${known.stage}`)
    } else back += 1
  }
  const limit = state.waves[state.wave]!.maxUnavailable
  assert.ok(forward + back <= limit, `${forward + back} hosts at work, and ${limit} may be`)
}

function checkEnding(state: RolloutState, hosts: readonly SimulatedHost[]): void {
  for (const host of hosts) {
    const { stage, given, before } = state.hosts[host.name]!
    if (state.phase === 'succeeded') {
      assert.notEqual(host.outcome, 'failed', `succeeded, and ${host.name} failed`)
      if (stage === 'passed') assert.equal(host.inForce, NEW, `${host.name} passed without the revision`)
      assert.ok(stage !== 'passed' || host.drift === 0, `${host.name} passed, and has drifted`)
    }
    if (state.phase === 'rolled-back' && given && before !== NEW)
      assert.equal(host.inForce, before, `${host.name} has not gone back`)
  }
}
