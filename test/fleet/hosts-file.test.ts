import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openStore } from '../../agent/state/store.ts'
import { readHostsFile } from '../../app/agent/config-file.ts'
import { type Context } from '../../app/context.ts'
import { runFleetController } from '../../app/fleet/controller.ts'
import { readFleetFile } from '../../app/fleet/fleet-file.ts'
import { startRolloutOn } from '../../app/fleet/rollouts.ts'
import { type HostReport, type RolloutState } from '../../documents/fleet/index.ts'
import { isEnded } from '../../fleet/rollout/state.ts'
import { reportIn } from '../../fleet/store/read.ts'
import { localStore } from '../../fleet/store/local-store.ts'
import { KEYS } from '../../fleet/store/store.ts'
import { runCli } from '../cli/run-cli.ts'
import { makeRepository } from '../support/repository.ts'
import { act } from '../support/requests.ts'
import { tempFolder } from '../support/temp.ts'
import { memoryOf, type Simulated, startSimulators } from './support/fleet.ts'

/** Hosts without an agent, kept by a controller as a hosts file says: the use cases themselves, by a clock of the test's own. */

const FLEET = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts: { desk: { reach: { socket: ../desk.sock } } }
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
waves: [{}]
`
const HEAD = 'apiVersion: qstate/v1\nkind: Agent\n'

const spec = (memory: number, more = ''): string =>
  `apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: ${memory} }${more} }\n`

interface Controller {
  /** Resolves once its log has a line with this text. */
  said(text: string): Promise<void>
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>
}

interface Desk {
  readonly folder: string
  readonly machine: Simulated
  /** What the clock on the wall shows. */
  readonly clock: { now: Date }
  commit(base: string): void
  /** Begins a rollout. */
  start(): Promise<void>
  /** Runs a controller with this hosts file; null: without one. */
  controller(hostsFile: string | null): Controller
  /** Carries the current rollout out. */
  carryOut(hostsFile: string | null): Promise<RolloutState>
  /** Waits for a report of the host. */
  reported(isIt: (report: HostReport) => boolean): Promise<HostReport>
  memory(): ReturnType<ReturnType<typeof openStore>['load']>
  setMemory(value: number): void
}

async function desk(t: TestContext, base = spec(5000)): Promise<Desk> {
  const ends: (() => Promise<void>)[] = []
  // The first of the hooks: what they write would come in the way of those that clean up.
  t.after(async () => {
    for (const end of ends) await end()
  })
  const folder = tempFolder(t)
  const machine = (await startSimulators(t, folder, ['desk'])).get('desk')!
  const repository = makeRepository(t, join(folder, 'r'))
  repository.commit({ 'fleet.yaml': FLEET, 'base.yaml': base })
  const clock = { now: new Date('2026-11-24T12:00:00') }
  const contextOf = (signal: AbortSignal): Context => ({
    signal,
    now: () => clock.now,
    pause: () => new Promise((resolve) => setTimeout(resolve, 5)),
    progress: () => undefined,
    warn: () => undefined,
    report: () => undefined,
    actor: 'anna@mgmt',
    machine: 'mgmt',
    cwd: join(folder, 'r'),
  })
  const context = contextOf(new AbortController().signal)
  const state = join(folder, 'state')
  const file = readFleetFile(
    {
      ...{ paths: [], keyFile: null, caFile: null, allowedSigners: null, checks: join(folder, 'checks') },
      target: { transport: null, slicRoot: null, stateDir: state, concurrency: 8, timeoutMs: 60_000 },
    },
    context,
  )
  const policiesOf = (hostsFile: string | null): ReturnType<typeof readHostsFile> => {
    if (hostsFile === null) return readHostsFile(null, context)
    writeFileSync(join(folder, 'hosts.yaml'), HEAD + hostsFile)
    return readHostsFile(join(folder, 'hosts.yaml'), context)
  }
  const store = localStore(
    join(state, 'fleets/home/store'),
    (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
  )
  return {
    ...{ folder, machine, clock },
    commit: (text) => void repository.commit({ 'base.yaml': text }),
    async start() {
      const agree = (): Promise<boolean> => Promise.resolve(true)
      const asks = { policies: policiesOf(null), waitMs: 1000, onAsk: () => undefined }
      await startRolloutOn(null, file, { ...asks, agree }, context)
    },
    controller(hostsFile) {
      const stop = new AbortController()
      const lines: string[] = []
      let heard = (): void => undefined
      const add = (line: string): void => {
        lines.push(line)
        heard()
      }
      const options = {
        policies: policiesOf(hostsFile),
        onRollout: ({ phase }: RolloutState) => {
          add(phase)
          return false
        },
        say: (_: string, line: string) => {
          add(line)
        },
      }
      const done = runFleetController(file, options, contextOf(stop.signal))
      const end = async (): Promise<void> => {
        stop.abort('SIGTERM')
        await done
      }
      ends.push(end)
      return {
        stop: end,
        said: (text) =>
          new Promise((resolve, reject) => {
            const look = (): void => {
              if (lines.some((line) => line.includes(text))) resolve()
            }
            heard = look
            look()
            done.then(() => {
              reject(new Error(`it ended without saying “${text}”: ${lines.join('\n')}`))
            }, reject)
          }),
      }
    },
    async carryOut(hostsFile) {
      let last: RolloutState | undefined
      const onRollout = (now: RolloutState): boolean => {
        last = now
        return isEnded(now)
      }
      const options = { policies: policiesOf(hostsFile), onRollout, say: () => undefined }
      await runFleetController(file, options, context)
      assert.ok(last !== undefined)
      return last
    },
    async reported(isIt) {
      const enough = new AbortController()
      for await (const entry of store.watch(KEYS.reports, enough.signal)) {
        const report = reportIn(entry)
        if (report !== null && isIt(report)) return report
      }
      throw new Error('the store was closed')
    },
    memory: () => openStore(join(state, 'fleets/home/members/desk')).load(),
    setMemory(value) {
      const call = { dest: 'win10-work', method: 'admin.vm.property.Set', arg: 'memory' }
      act(machine.simulator, { ...call, payload: String(value) })
    },
  }
}

for (const [what, hostsFile, held, later] of [
  [
    'a freeze',
    'freezes: [{ from: 2026-11-24, until: 2026-11-26, why: audit }]\n',
    /^a freeze until 2026-11-2[56] /,
    '2026-11-26T12:00:00',
  ],
  [
    'a window',
    'windows: ["22:00-23:00"]\n',
    /^outside its times until 2026-11-2[45] /,
    '2026-11-24T22:30:00',
  ],
] as const)
  test(`a host without an agent is given nothing while ${what} of the hosts file keeps it, and gets it after that`, async (t) => {
    const host = await desk(t)
    const controller = host.controller(hostsFile)
    await host.start()
    const report = await host.reported((one) => one.held !== null && one.order === null)
    assert.match(report.held ?? '', held)
    assert.equal(host.machine.simulator.writes(), 0)
    host.clock.now = new Date(later)
    await controller.said('succeeded')
    assert.equal(memoryOf(host.machine), 5000)
  })

test('a host that only observes is given nothing', async (t) => {
  const host = await desk(t)
  host.controller('policy: { commits: observe }\n')
  await host.start()
  const { held } = await host.reported((one) => one.held !== null)
  assert.equal(held, 'it only observes')
  assert.equal(host.machine.simulator.writes(), 0)
})

test('without a hosts file drift of a host without an agent is reported, and left', async (t) => {
  const host = await desk(t)
  const controller = host.controller(null)
  await host.start()
  await controller.said('succeeded')
  host.setMemory(3000)
  const { drift } = await host.reported((one) => one.drift !== 0 && one.status === 'applied')
  assert.equal(drift, 1)
  assert.equal(memoryOf(host.machine), 3000)
})

test('drift is corrected where the hosts file says so, and left for a while where it comes back', async (t) => {
  const host = await desk(t)
  const controller = host.controller('policy: { drift: correct }\n')
  await host.start()
  await controller.said('succeeded')
  host.setMemory(3000)
  await controller.said('from 5000 to 3000 (property-set:memory), and has been put right')
  assert.equal(memoryOf(host.machine), 5000)

  host.setMemory(2000)
  await host.reported((one) => one.drift === 1)
  const { memory } = await host.memory()
  assert.deepEqual(
    memory.held.map(({ qube, path, why }) => [qube, path, why]),
    [['win10-work', 'qube/memory', 'backing-off']],
  )
  assert.equal(memoryOf(host.machine), 2000)

  host.clock.now = new Date(host.clock.now.getTime() + 2 * 60_000)
  host.setMemory(2500)
  await controller.said('to 2500 (property-set:memory), and has been put right')
  assert.equal(memoryOf(host.machine), 5000)
})

test('what happens on a host without an agent is told as the hosts file says, up to the end of the rollout', async (t) => {
  const host = await desk(t)
  const log = join(host.folder, 'notices')
  await host.start()
  const { phase } = await host.carryOut(
    `notify: [{ command: [/bin/sh, -c, 'cat >> ${log}'], on: [applied] }]\n`,
  )
  assert.equal(phase, 'succeeded')
  const [notice, ...more] = readFileSync(log, 'utf8').trim().split('\n')
  assert.deepEqual(more, [])
  const { kind, host: name, text } = JSON.parse(notice ?? '') as Record<string, unknown>
  assert.deepEqual([kind, name, text], ['applied', 'desk', 'applied to win10-work'])
})

test('a qube of a host without an agent is restarted where the spec says so, and the rollout waits for it', async (t) => {
  const host = await desk(t, spec(5000, ', restart: now'))
  await host.start()
  const { phase } = await host.carryOut(null)
  assert.equal(phase, 'succeeded')
  const calls = host.machine.simulator.requests.map(({ method, dest }) => `${method} ${dest}`)
  const order = ['admin.vm.property.Set', 'admin.vm.Shutdown', 'admin.vm.Start'].map((method) =>
    calls.indexOf(`${method} win10-work`),
  )
  assert.ok(
    order.every((at) => at >= 0) && order.toSorted((a, b) => a - b).join() === order.join(),
    order.join(),
  )
  const { restarts } = await host.reported((one) => one.status === 'applied')
  assert.equal(restarts, 0)
})

test('one process keeps a host without an agent; another takes over once that has ended', async (t) => {
  const host = await desk(t)
  const first = host.controller(null)
  await host.start()
  await first.said('succeeded')
  const second = host.controller('policy: { drift: correct }\n')
  host.setMemory(3000)
  await host.reported((one) => one.drift === 1)
  assert.equal(memoryOf(host.machine), 3000)
  await first.stop()
  await second.said('and has been put right')
  assert.equal(memoryOf(host.machine), 5000)
})

test('an order is taken again where nothing is known of it any more', async (t) => {
  const host = await desk(t)
  await host.start()
  assert.equal((await host.carryOut(null)).phase, 'succeeded')
  const members = join(host.folder, 'state/fleets/home/members/desk')
  // What an earlier version kept there says nothing to this one.
  writeFileSync(join(members, 'ordered.json'), '')
  writeFileSync(join(members, 'memory.json'), '')
  writeFileSync(join(members, 'following.json'), '{"following":"x","outcome":"applied"}')
  host.setMemory(3000)
  const controller = host.controller('policy: { drift: correct }\n')
  await controller.said('put right')
  assert.equal(memoryOf(host.machine), 5000)
})

test('a commit whose selectors contradict each other on a host fails there, with the setting, and the way back is taken', async (t) => {
  const host = await desk(t)
  await host.start()
  assert.equal((await host.carryOut(null)).phase, 'succeeded')
  // Only with the qubes of a host is it known that the selector means this one.
  host.commit(`apiVersion: qstate/v1
profiles: { usb: { stubdom: { qrexec: true } } }
select: [{ match: { name: win10-work }, extends: usb }]
qubes: { win10-work: { qube: { virtMode: pvh, memory: 5000 } } }
`)
  await host.start()
  const { phase, hosts } = await host.carryOut(null)
  assert.equal(phase, 'rolled-back')
  assert.match(hosts['desk']?.why ?? '', /^needs-hvm: win10-work: stubdom\.qrexec needs virtMode hvm/)
  assert.equal(memoryOf(host.machine), 5000)
})

test('a hosts file is read before anything is begun, and says nothing of where commits come from', async (t) => {
  const { folder } = await desk(t)
  const env = { QSTATE_STATE_DIR: join(folder, 'state'), QSTATE_FLEET: join(folder, 'r/fleet.yaml') }
  const wrong = join(folder, 'wrong.yaml')
  writeFileSync(wrong, `${HEAD}source: { url: /r }\nverify: { by: none }\n`)
  for (const [argv, more] of [
    [['--hosts-file', wrong], {}],
    [[], { QSTATE_HOSTS_FILE: wrong }],
  ] as const) {
    const { code, err } = await runCli(['rollout', 'start', ...argv], { env: { ...env, ...more } })
    assert.equal(code, 65)
    assert.match(err, /wrong\.yaml:3:1: error: the key "source" is for the file of an agent/)
    assert.match(err, /2 errors in \S*wrong\.yaml/)
  }
  const none = await runCli(['fleet', 'controller', '--hosts-file', join(folder, 'none.yaml')], { env })
  assert.equal(none.code, 64)
  assert.match(none.err, /there is no file \S*none\.yaml/)
  assert.match((await runCli(['rollout', 'status'], { env })).err, /has had no rollout yet/)
})
