import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { makeKey, startSimulators } from '../../fleet/support/fleet.ts'
import { startNats } from '../../fleet/support/nats-server.ts'
import { type Running, runQstate, startQstate } from '../../support/process.ts'
import { makeRepository } from '../../support/repository.ts'
import { tempFolder } from '../../support/temp.ts'

const spec = (more: string): string =>
  `apiVersion: qstate/v1\nname: acme\nqubes:\n  win10-work: { qube: { memory: 6000 } }\n${more}`

test('consent is signed at the start: the host that names the key withdraws, the other waits for a person there', async (t) => {
  const processes: Running[] = []
  t.after(async () => {
    for (const { child } of processes) child.kill('SIGKILL')
    await Promise.all(processes.map(({ ended }) => ended))
  })
  const folder = tempFolder(t)
  const machines = await startSimulators(t, folder, ['trusting', 'asking'])
  const keyOf = (name: string): string => join(folder, `${name}.key`)
  const [alice, controller, trusting, asking] = ['alice', 'controller', 'trusting', 'asking'].map((name) =>
    makeKey(keyOf(name)),
  )
  const fleetText = (url: string): string => `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: ['${url}'], controllers: [${alice ?? ''}, ${controller ?? ''}] }
spec: [base.yaml]
hosts: { trusting: { key: ${trusting ?? ''} }, asking: { key: ${asking ?? ''} } }
---
apiVersion: qstate/v1
kind: Rollout
name: all
revision: main
canary: { hosts: [trusting] }
waves: [{}]
`
  const { fleet } = loadFleet([{ path: 'fleet.yaml', text: fleetText('nats://localhost:4222') }])
  const config = serverConfig(fleet!, { listen: '', storeDir: '', tls: null })
  const server = await startNats(t, folder, config.replace(/^(?:listen|jetstream).*\n/gm, ''))
  const repository = makeRepository(t, join(folder, 'repository'))
  repository.commit({
    'fleet.yaml': fleetText(server.url),
    'base.yaml': spec('  win10-home: { qube: { vcpus: 3 } }\n'),
  })
  const fleetFile = join(folder, 'repository', 'fleet.yaml')
  const as = (who: string): string[] => ['--fleet', fleetFile, '--key', keyOf(who)]
  const env = (name: string): Record<string, string> => ({ QSTATE_STATE_DIR: join(folder, 'state', name) })
  const start = (args: readonly string[], name: string): Running => {
    const running = startQstate(args, env(name))
    processes.push(running)
    return running
  }
  const qstate = (...args: string[]): ReturnType<typeof runQstate> =>
    runQstate([...args, ...as('alice')], env('alice'))
  const leader = start(['fleet', 'controller', ...as('controller')], 'controller')
  await leader.said('in charge, term 1')
  const agents = [...machines].map(([name, { socket }]) => {
    const file = join(folder, `${name}.yaml`)
    const consent = name === 'trusting' ? `, consent: [${alice ?? ''}]` : ''
    writeFileSync(
      file,
      `apiVersion: qstate/v1
kind: Agent
source: { url: "${join(folder, 'repository')}" }
fleet: { name: acme, host: ${name}, servers: ['${server.url}'], key: ${keyOf(name)}${consent} }
verify: { by: none }
policy: { commits: apply }
`,
    )
    return start(['--socket', socket, 'agent', '--file', file], name)
  })
  for (const agent of agents) await agent.said('takes the orders of the fleet acme')
  const vcpus = (name: string): unknown =>
    machines.get(name)?.simulator.host.qubes.get('win10-home')?.properties.get('vcpus')
  assert.equal((await qstate('rollout', 'start')).code, 0)
  await leader.said('succeeded · wave-1: 1 passed')
  assert.deepEqual([Number(vcpus('trusting')), Number(vcpus('asking'))], [3, 3])

  repository.commit({ 'base.yaml': spec('') })
  const plan = await qstate('rollout', 'plan')
  assert.match(
    plan.out,
    /Consent needed: 2 values of 2 hosts[^]*\n {2}trusting\n {4}win10-home[^]*\n {2}asking\n {2}the agent’s file there does not take this consent/,
  )
  const refused = await qstate('rollout', 'start')
  assert.equal(refused.code, 1)
  assert.match(refused.err, /no consent for\s+trusting:win10-home,\s+asking:win10-home/)
  assert.equal((await qstate('rollout', 'start', '--allow-withdraw', '=2')).code, 0)
  await leader.said('asking waits for consent: win10-home: the spec no longer names so much')
  assert.deepEqual([vcpus('trusting'), Number(vcpus('asking'))], [undefined, 3])
  const { out } = await qstate('rollout', 'status')
  assert.match(
    out.replace(/\s+/g, ' '),
    /agreed to it when the rollout was started, and the agent’s file of this host does not take that key/,
  )
  const [command = ''] = /agent accept [0-9a-f]+ --withdraw [0-9a-f]+/.exec(out) ?? []
  const { socket } = machines.get('asking')!
  const agreed = await runQstate(['--socket', socket, ...command.split(' ')], env('asking'))
  assert.equal(agreed.code, 0, agreed.err)
  await qstate('rollout', 'status', '--watch')
  assert.match((await qstate('rollout', 'status')).out, /succeeded/)
  assert.equal(vcpus('asking'), undefined)
})
