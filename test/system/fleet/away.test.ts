import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { steadyClock } from '../../../app/agent/clock.ts'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { type Running, runQstate, startQstate } from '../../support/process.ts'
import { makeRepository } from '../../support/repository.ts'
import { tempFolder } from '../../support/temp.ts'
import { makeKey, startSimulators } from '../../fleet/support/fleet.ts'
import { type NatsServer, startNats } from '../../fleet/support/nats-server.ts'
import { makeCertificates } from './tls.ts'

interface Told {
  readonly agent: {
    readonly fleetAway: { readonly code: string; readonly since: string; readonly message: string } | null
  }
}

/** An agent of a fleet whose server knows the hosts' keys, or not. */
async function makeFleet(
  t: TestContext,
  hasStore = true,
): Promise<{
  begin(): Running
  /** The server is restarted, and knows these keys; null: it is not. */
  serve(keys: readonly string[] | null): Promise<void>
  readonly server: NatsServer
  /** Where the agent keeps what it knows. */
  readonly state: string
  /** Makes the store, as whoever is in charge does. */
  make(): Promise<void>
  readonly key: string
  /** Of another host. */
  readonly stranger: string
  /** The host is given the key of another. */
  become(name: 'stranger'): void
  status(...more: string[]): Promise<string>
  /** Asks until the agent says so. */
  told(isIt: (away: Told['agent']['fleetAway']) => boolean): Promise<Told['agent']['fleetAway']>
}> {
  const agents: Running[] = []
  t.after(async () => {
    for (const { child } of agents) child.kill('SIGKILL')
    await Promise.all(agents.map(({ ended }) => ended))
  })
  const folder = tempFolder(t)
  const at = (name: string): string => join(folder, name)
  await startSimulators(t, folder, ['host'])
  const keyOf = (name: string): string => makeKey(at(`${name}.key`))
  const [boss, key, stranger] = [keyOf('boss'), keyOf('host'), keyOf('stranger')]
  const { ca, cert, key: certKey } = makeCertificates(folder)
  const config = (keys: readonly string[]): string => {
    const hosts = keys.map((one, index) => `  h${index}: { key: ${one} }`)
    const text = `apiVersion: qstate/v1\nkind: Fleet\nname: acme\nstore: { nats: ['tls://localhost:4222'], controllers: [${boss}] }\nhosts:\n${hosts.join('\n')}\n`
    const { fleet } = loadFleet([{ path: 'fleet.yaml', text }])
    return serverConfig(fleet!, { listen: '', storeDir: '', tls: { cert, key: certKey } }).replace(
      /^(?:listen|jetstream).*\n/gm,
      '',
    )
  }
  const server = await startNats(t, folder, config([stranger]), true)
  const repository = makeRepository(t)
  const fleetFile = at('fleet.yaml')
  writeFileSync(
    fleetFile,
    `apiVersion: qstate/v1\nkind: Fleet\nname: acme\nstore: { nats: ['${server.url}'], controllers: [${boss}] }\nhosts: { h0: { key: ${key} } }\n`,
  )
  // Whoever is in charge makes the store.
  const making = ['fleet', 'status', '--fleet', fleetFile, '--key', at('boss.key'), '--ca', ca]
  const make = async (): Promise<void> => {
    const made = await runQstate(making)
    assert.equal(made.code, 0, made.err)
  }
  if (hasStore) await make()
  writeFileSync(
    at('agent.yaml'),
    `apiVersion: qstate/v1
kind: Agent
source: { url: "${repository.folder}" }
fleet: { name: acme, host: h0, servers: ['${server.url}'], key: ${at('host.key')}, ca: ${ca} }
verify: { by: none }
`,
  )
  const place = ['--socket', at('host.sock'), '--state-dir', at('state')]
  const status = async (...more: string[]): Promise<string> => {
    const { out, err } = await runQstate([...place, 'status', ...more])
    assert.notEqual(out, '', err)
    return out
  }
  return {
    server,
    state: at('state'),
    make,
    key,
    stranger,
    become(name) {
      writeFileSync(at('host.key'), readFileSync(at(`${name}.key`)))
    },
    begin() {
      const agent = startQstate([...place, '--verbose', 'agent', '--file', at('agent.yaml')])
      agents.push(agent)
      return agent
    },
    async serve(keys) {
      await server.kill()
      if (keys === null) return
      const file = at('server.conf')
      const head = readFileSync(file, 'utf8').split('\n').slice(0, 2)
      writeFileSync(file, `${head.join('\n')}\n${config(keys)}\n`)
      await server.start()
    },
    status,
    async told(isIt) {
      for (;;) {
        const { agent } = JSON.parse(await status('--json')) as Told
        if (isIt(agent.fleetAway)) return agent.fleetAway
      }
    },
  }
}

/** A host that takes the orders of its fleet. */
async function takingPart(t: TestContext): Promise<{ fleet: MadeFleet; agent: Running }> {
  const fleet = await makeFleet(t)
  await fleet.serve([fleet.key])
  const agent = fleet.begin()
  await agent.said('takes the orders of the fleet')
  return { fleet, agent }
}

type MadeFleet = Awaited<ReturnType<typeof makeFleet>>

test('whom the servers do not know sees that in its own status, since when, and what to do, until they do', async (t) => {
  const fleet = await makeFleet(t)
  const agent = fleet.begin()
  await agent.said('do not know the key in')
  const told = await fleet.told((away) => away?.code === 'store-refused')
  assert.match(told?.since ?? '', /^20..-/)
  const shown = (await fleet.status()).replace(/\s+/g, ' ')
  assert.match(shown, /servers not reached since 20\S+ \S+: the servers do not know the key in \S*host\.key/)
  assert.match(shown, /its public key has to be in the fleet’s file/)

  await fleet.serve([fleet.key])
  await agent.said('the fleet acme is reached again')
  await fleet.told((away) => away === null)
  assert.doesNotMatch(await fleet.status(), /servers +not reached/)
})

test('why servers that were reached before are so no more is told as exactly as at first', async (t) => {
  const { fleet, agent } = await takingPart(t)
  await fleet.serve([fleet.stranger])
  await agent.said('do not know the key in')
  await fleet.told((away) => away?.code === 'store-refused')
  await fleet.serve(null)
  await agent.said('took the connection')
  const told = await fleet.told((away) => away?.code === 'store-unreachable')
  assert.match(told?.message ?? '', /no server of tls:\S+ took the connection: \S+/)
})

test('where nobody has been in charge yet, that is what is to be seen to, and not the network', async (t) => {
  const fleet = await makeFleet(t, false)
  await fleet.serve([fleet.key])
  const agent = fleet.begin()
  await agent.said('takes no orders of the fleet now')
  await agent.said('has one been in charge yet?')
  await fleet.make()
  await agent.said('the fleet acme is reached again')
})

test('of a network that has gone, with the connection still standing, the servers are not said to be there', async (t) => {
  const { fleet, agent } = await takingPart(t)
  fleet.server.freeze()
  const told = await fleet.told((away) => away !== null)
  fleet.server.thaw()
  assert.match(told?.message ?? '', /no server of tls:\S+ took the connection/)
  await agent.said('the fleet acme is reached again')
})

test('a disk that does not take what is known of the fleet is said once, and tried less and less often', async (t) => {
  const { fleet, agent: before } = await takingPart(t)
  before.child.kill()
  await before.ended
  const [memory = ''] = readdirSync(fleet.state, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('/memory.json'),
  )
  const inTheWay = join(fleet.state, memory, '..', 'member-acme.json')
  rmSync(inTheWay, { force: true })
  mkdirSync(inTheWay)
  const agent = fleet.begin()
  const told = await fleet.told((away) => away?.code === 'system-error')
  assert.match(told?.message ?? '', /^EISDIR/)
  await steadyClock.sleep(6000, new AbortController().signal)
  agent.child.kill()
  const { err } = await agent.ended
  assert.equal(err.match(/takes the orders of the fleet/g)?.length, 1, err)
  assert.equal(err.match(/takes no orders of the fleet now/g)?.length, 1, err)
})

test('a host that is given another key comes back with it', async (t) => {
  const { fleet, agent } = await takingPart(t)
  await fleet.serve([fleet.stranger])
  await agent.said('do not know the key in')
  fleet.become('stranger')
  await agent.said('the fleet acme is reached again')
})
