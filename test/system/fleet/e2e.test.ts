import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { natsConnect } from '../../../fleet/nats/connect.ts'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { natsStore } from '../../../fleet/nats/store.ts'
import { rolloutStateDocument, type RolloutState } from '../../../documents/fleet/index.ts'
import { isEnded } from '../../../fleet/rollout/state.ts'
import { documentIn } from '../../../fleet/store/read.ts'
import { KEYS, type Store } from '../../../fleet/store/store.ts'
import { QstateError } from '../../../spec/diagnostics/index.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { type Running, runQstate, startQstate } from '../../support/process.ts'
import { makeRepository, makeSshKey } from '../../support/repository.ts'
import { act } from '../../support/requests.ts'
import { tempFolder } from '../../support/temp.ts'
import { untilRequest } from '../../support/watch.ts'
import { makeKey, memoryOf, startSimulators } from '../../fleet/support/fleet.ts'
import { startNats } from '../../fleet/support/nats-server.ts'
import { makeCertificates } from './tls.ts'

const HOSTS = Array.from({ length: 20 }, (_, index) => `laptop-${index}`)

const spec = (memory: number, more = ''): string =>
  `apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: ${memory} }${more} }\n`

/** Waits for a state of the rollout, which every report of a host may bring nearer. */
async function waitFor(store: Store, isIt: (state: RolloutState) => boolean): Promise<RolloutState> {
  const stop = new AbortController()
  for (;;) {
    try {
      for await (const { key } of store.watch(KEYS.reports, stop.signal)) {
        assert.match(key, /^reports/)
        const state = documentIn(rolloutStateDocument, await store.get(KEYS.rollout))
        if (state !== null && isIt(state)) return state
      }
    } catch (error) {
      // The server may be on its way back.
      if (!(error instanceof QstateError)) throw error
    } finally {
      stop.abort()
    }
    return waitFor(store, isIt)
  }
}

test('twenty hosts, a server and controllers that are killed: a revision reaches all, and a bad one is taken back at the canary', async (t) => {
  // The first of the hooks: what they write would come in the way of those that clean up.
  const processes: Running[] = []
  t.after(async () => {
    for (const { child } of processes) child.kill('SIGKILL')
    await Promise.all(processes.map(({ ended }) => ended))
  })
  const folder = tempFolder(t)
  const machines = await startSimulators(t, folder, HOSTS)
  const { ca, cert, key } = makeCertificates(folder)
  const keyOf = (name: string): string => join(folder, `${name}.key`)
  const fleetText = (url: string): string => `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: ['${url}'], controllers: [${bossKey}] }
spec: [base.yaml]
groups: { pilots: { hosts: [laptop-0, laptop-1] } }
hosts:
${HOSTS.map((name) => `  ${name}: { key: ${hostKeys.get(name) ?? ''} }`).join('\n')}
---
apiVersion: qstate/v1
kind: Rollout
name: winter
revision: main
canary: { match: { group: pilots } }
waves: [{ percent: 40% }, {}]
maxUnavailable: 3
soak: 1s
`
  const bossKey = makeKey(keyOf('boss'))
  const hostKeys = new Map(HOSTS.map((name) => [name, makeKey(keyOf(name))]))
  const { fleet } = loadFleet([{ path: 'fleet.yaml', text: fleetText('tls://localhost:4222') }])
  const config = serverConfig(fleet!, { listen: '', storeDir: '', tls: { cert, key } })
  const server = await startNats(t, folder, config.replace(/^(?:listen|jetstream).*\n/gm, ''), true)

  const repository = makeRepository(t, join(folder, 'repository'))
  const sshKey = makeSshKey(t)
  const signers = join(folder, 'signers')
  writeFileSync(signers, `anna@example.org ${sshKey.public}\n`)
  const commit = (files: Readonly<Record<string, string>>): string =>
    repository.commit(files, { sshKey: sshKey.path })
  const fleetFile = join(folder, 'repository', 'fleet.yaml')
  const first = commit({ 'fleet.yaml': fleetText(server.url), 'base.yaml': spec(6000) })
  const about = (who: string): string[] => ['--fleet', fleetFile, '--ca', ca, '--key', keyOf(who)]
  const env = (name: string): Record<string, string> => ({
    QSTATE_STATE_DIR: join(folder, 'state', name),
  })
  const start = (args: readonly string[], more: Record<string, string>): Running => {
    const running = startQstate(args, more)
    processes.push(running)
    return running
  }
  const controller = (name: string): Running => start(['fleet', 'controller', ...about('boss')], env(name))
  const qstate = (...args: string[]): ReturnType<typeof runQstate> =>
    runQstate([...args, ...about('boss')], env('boss'))

  const one = controller('one')
  await one.said('in charge, term 1')
  for (const [name, { socket }] of machines) {
    const file = join(folder, `${name}.yaml`)
    writeFileSync(
      file,
      `apiVersion: qstate/v1
kind: Agent
source: { url: "${join(folder, 'repository')}" }
fleet: { name: acme, host: ${name}, servers: ['${server.url}'], key: ${keyOf(name)}, ca: ${ca} }
verify: { by: ssh, allowedSigners: ${signers} }
policy: { commits: apply, drift: correct }
`,
    )
    start(['--socket', socket, 'agent', '--file', file], env(name))
  }
  const connection = await natsConnect({
    servers: [server.url],
    host: null,
    keyFile: keyOf('boss'),
    caFile: ca,
  })
  t.after(() => connection.close())
  const store = await natsStore(connection, 'acme', 1)

  const begun = await qstate('rollout', 'start')
  assert.equal(begun.code, 0, begun.err)
  await waitFor(
    store,
    ({ hosts }) => Object.values(hosts).filter(({ stage }) => stage === 'passed').length >= 4,
  )
  one.child.kill('SIGKILL')
  const two = controller('two')
  await server.kill()
  await server.start()
  await two.said('in charge, term 2')
  const done = await waitFor(store, isEnded)
  assert.equal(done.phase, 'succeeded')
  assert.equal(done.commit, first)
  assert.ok(Object.values(done.hosts).every(({ stage, turn }) => stage === 'passed' && turn === 1))
  for (const name of HOSTS) assert.equal(memoryOf(machines.get(name)), 6000, name)

  const status = await qstate('fleet', 'status', '--json')
  const { hosts } = JSON.parse(status.out) as {
    hosts: readonly { report: { commit: string; status: string } }[]
  }
  assert.deepEqual(
    new Set(hosts.map(({ report }) => `${report.status} ${report.commit}`)),
    new Set([`applied ${first}`]),
  )

  // Between two orders a host is kept as it was ordered to be: its agent hears of what is done there, and undoes it.
  const drifting = machines.get('laptop-5')!
  drifting.simulator.clearLog()
  const requests = drifting.simulator.requests
  // What is asked after the write: it has been answered by then.
  const isAfter = (): boolean =>
    requests.slice(0, -1).some(({ method }) => method === 'admin.vm.property.Set')
  const undone = untilRequest(drifting.simulator, isAfter, 0)
  const payload = '4000'
  act(drifting.simulator, { dest: 'win10-work', method: 'admin.vm.property.Set', arg: 'memory', payload })
  await undone.taken
  assert.equal(memoryOf(drifting), 6000)

  const plan = JSON.parse((await qstate('rollout', 'plan', '--json')).out) as { groups: unknown[] }
  assert.deepEqual(
    plan.groups.map((group) => ({ ...(group as object), digest: null })),
    [{ kind: 'nothing', digest: null, hosts: HOSTS, changes: [], problem: null }],
  )

  const calls = new Map([...machines].map(([name, { simulator }]) => [name, simulator.writes()]))
  commit({ 'base.yaml': spec(5000, ', audio: { audiovm: no-such-qube }') })
  assert.equal((await qstate('rollout', 'start')).code, 0)
  const bad = await waitFor(store, (state) => state.serial === 2 && isEnded(state))
  assert.equal(bad.phase, 'rolled-back')
  for (const name of HOSTS) assert.equal(memoryOf(machines.get(name)), 6000, name)
  // Beyond the canary nobody was touched.
  for (const name of HOSTS.slice(2))
    assert.equal(machines.get(name)!.simulator.writes(), calls.get(name), name)
  assert.equal((await qstate('rollout', 'status')).code, 1)
  const history = await qstate('rollout', 'history', '--json')
  const { rollouts } = JSON.parse(history.out) as { rollouts: readonly { phase: string }[] }
  assert.deepEqual(
    rollouts.map(({ phase }) => phase),
    ['rolled-back', 'succeeded'],
  )
})
