import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection, nkeys } from '@nats-io/transport-node'
import { natsConnect } from '../../../fleet/nats/connect.ts'
import { natsMemberStore } from '../../../fleet/nats/member-store.ts'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { natsStore } from '../../../fleet/nats/store.ts'
import { type Store } from '../../../fleet/store/store.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { tempFolder } from '../../support/temp.ts'
import { startNats } from '../../fleet/support/nats-server.ts'
import { makeCertificates } from './tls.ts'

const CONTROL = 'qstate-acme'
const HOSTS = 'qstate-acme-hosts'
const DIRECT = '$JS.API.DIRECT.GET'

interface Fleet {
  /** Those who are in charge. */
  readonly store: Store
  readonly inCharge: NatsConnection
  /** The laptop that was stolen: its key is used with any client, and any request that its thief can think of. */
  readonly thief: NatsConnection
  readonly victim: NatsConnection
  readonly connect: (options: {
    readonly host: string | null
    readonly keyFile: string | null
    readonly caFile: string | null
  }) => Promise<NatsConnection>
  readonly ca: string
  readonly keys: Readonly<Record<string, string>>
}

/** A server as `qstate fleet server-config` configures it, with TLS and keys, and two hosts: alice's, which was stolen, and bob's. */
async function fleetOn(t: TestContext, serverName = 'localhost'): Promise<Fleet> {
  const folder = tempFolder(t)
  const keys: Record<string, string> = {}
  const publicKey = (name: string): string => {
    const user = nkeys.createUser()
    keys[name] = join(folder, `${name}.key`)
    writeFileSync(keys[name], new TextDecoder().decode(user.getSeed()))
    return user.getPublicKey()
  }
  const { fleet } = loadFleet([
    {
      path: 'fleet.yaml',
      text: `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: [tls://127.0.0.1:4222], controllers: [${publicKey('boss')}] }
hosts:
  alice: { key: ${publicKey('alice')} }
  bob: { key: ${publicKey('bob')} }
`,
    },
  ])
  const { ca, cert, key } = makeCertificates(folder, serverName)
  const config = serverConfig(fleet!, { listen: '', storeDir: '', tls: { cert, key } })
  const { url } = await startNats(t, folder, config.replace(/^(?:listen|jetstream).*\n/gm, ''), true)
  const connect: Fleet['connect'] = async (who) => {
    const connection = await natsConnect({ servers: [url], ...who })
    t.after(() => connection.close())
    return connection
  }
  const inCharge = await connect({ host: null, keyFile: keys['boss']!, caFile: ca })
  const store = await natsStore(inCharge, 'acme', 1)
  for (const host of ['alice', 'bob']) {
    await store.put(`orders/${host}`, { for: host }, 0)
    await store.put(`reports/${host}`, { of: host }, 0)
  }
  const [thief, victim] = await Promise.all(
    ['alice', 'bob'].map((host) => connect({ host, keyFile: keys[host]!, caFile: ca })),
  )
  return { store, inCharge, thief: thief!, victim: victim!, connect, ca, keys }
}

/** What a request comes to: an answer's text, or that there was none. */
async function answerTo(connection: NatsConnection, subject: string, payload = ''): Promise<string> {
  try {
    return (await connection.request(subject, payload, { timeout: 400 })).string()
  } catch (error) {
    return `no answer: ${(error as Error).name}`
  }
}

/** All that is stored, as those who are in charge see it. */
async function everything(store: Store): Promise<unknown> {
  const groups = await Promise.all(['orders/', 'reports/'].map((group) => store.list(group)))
  return groups.flat().map(({ key, value }) => [key, value])
}

test('a host reads its own order, writes its own report, and hears when it is ordered', async (t) => {
  const { store, thief } = await fleetOn(t)
  const own = await natsMemberStore(thief, 'acme', 'alice')
  assert.deepEqual((await own.get('orders/alice'))?.value, { for: 'alice' })
  const report = await own.get('reports/alice')
  assert.ok(report)
  const revision = await own.put('reports/alice', { of: 'alice', again: true }, report.revision)
  assert.ok(revision)
  assert.equal(await own.put('reports/alice', {}, report.revision), null)
  assert.deepEqual((await store.get('reports/alice'))?.value, { of: 'alice', again: true })
  const heard = new Promise<void>((resolve) => {
    own.onNews(resolve)
  })
  await thief.flush()
  await store.put('orders/alice', { n: 2 }, (await store.get('orders/alice'))!.revision)
  await heard
})

test('no one connects without TLS, without a key, with a key of no part, or to a server that is not the right one', async (t) => {
  const { connect, ca, keys, store } = await fleetOn(t)
  const folder = tempFolder(t)
  const stranger = join(folder, 'stranger.key')
  writeFileSync(stranger, new TextDecoder().decode(nkeys.createUser().getSeed()))
  await assert.rejects(connect({ host: 'alice', keyFile: null, caFile: ca }), { code: 'store-refused' })
  await assert.rejects(connect({ host: 'alice', keyFile: stranger, caFile: ca }), { code: 'store-refused' })
  await assert.rejects(connect({ host: 'alice', keyFile: keys['alice']!, caFile: null }), {
    code: 'store-unreachable',
  })
  const plain = store.where.replace(/^.*:(\d+)$/, 'nats://127.0.0.1:$1')
  await assert.rejects(
    natsConnect({ servers: [plain], host: 'alice', keyFile: keys['alice']!, caFile: null }).then(
      (connection) => connection.close(),
    ),
    { name: 'QstateError' },
  )
})

test('a server with the certificate of another name is not talked to', async (t) => {
  await assert.rejects(fleetOn(t, 'other.example'), /its certificate is for DNS:other\.example/)
})

test('a stolen host reads nothing that is not its own', async (t) => {
  const { thief, victim, inCharge, store } = await fleetOn(t)
  const ask = JSON.stringify({ last_by_subj: `$KV.${CONTROL}.orders.bob` })
  for (const [subject, payload] of [
    [`${DIRECT}.KV_${CONTROL}.$KV.${CONTROL}.orders.bob`, ''],
    [`${DIRECT}.KV_${HOSTS}.$KV.${HOSTS}.reports.bob`, ''],
    // The forms in which the subject stands in the request, where no permission could see it.
    [`${DIRECT}.KV_${CONTROL}`, ask],
    [`${DIRECT}.KV_${CONTROL}.$KV.${CONTROL}.orders.*`, ''],
    [`$JS.API.STREAM.MSG.GET.KV_${CONTROL}`, ask],
    [`$JS.API.STREAM.INFO.KV_${CONTROL}`, JSON.stringify({ subjects_filter: '>' })],
    ['$JS.API.STREAM.NAMES', ''],
    ['$JS.API.INFO', ''],
  ] as const)
    assert.match(await answerTo(thief, subject, payload), /^no answer/, subject)
  // Its own subject with another's in the request: the one in the subject counts.
  const own = await answerTo(thief, `${DIRECT}.KV_${CONTROL}.$KV.${CONTROL}.orders.alice`, ask)
  assert.doesNotMatch(own, /bob/)

  const heard: string[] = []
  for (const subject of [
    '>',
    '_INBOX_bob.>',
    '_INBOX_qstate.>',
    '_INBOX.>',
    `$KV.>`,
    `$KV.${CONTROL}.orders.bob`,
    `$KV.${CONTROL}.orders.*`,
    '_R_.>',
    '$SYS.>',
  ])
    thief.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heard.push(message.subject)
      },
    })
  await answerTo(victim, `${DIRECT}.KV_${CONTROL}.$KV.${CONTROL}.orders.bob`)
  await store.put('orders/bob', { secret: true }, (await store.get('orders/bob'))!.revision)
  await Promise.all([thief, victim, inCharge].map((one) => one.flush()))
  assert.deepEqual(heard, [])
})

test('a stolen host writes nothing that is not its own', async (t) => {
  const { thief, store } = await fleetOn(t)
  const before = await everything(store)
  for (const subject of [
    `$KV.${HOSTS}.reports.bob`,
    `$KV.${HOSTS}.plans.bob`,
    `$KV.${CONTROL}.orders.bob`,
    `$KV.${CONTROL}.orders.alice`,
    `$KV.${CONTROL}.rollout`,
    `$KV.${CONTROL}.leader`,
    `$JS.API.$KV.${CONTROL}.orders.bob`,
  ])
    assert.match(await answerTo(thief, subject, '{"forged":true}'), /^no answer/, subject)
  for (const call of [
    `STREAM.PURGE.KV_${HOSTS}`,
    `STREAM.PURGE.KV_${CONTROL}`,
    `STREAM.DELETE.KV_${HOSTS}`,
    `STREAM.UPDATE.KV_${HOSTS}`,
    `STREAM.MSG.DELETE.KV_${HOSTS}`,
    `STREAM.CREATE.mine`,
    `STREAM.SNAPSHOT.KV_${CONTROL}`,
    `CONSUMER.CREATE.KV_${CONTROL}`,
    `CONSUMER.CREATE.KV_${CONTROL}.c.$KV.${CONTROL}.orders.alice`,
    `CONSUMER.DURABLE.CREATE.KV_${CONTROL}.c`,
    `CONSUMER.LIST.KV_${CONTROL}`,
  ])
    assert.match(await answerTo(thief, `$JS.API.${call}`, '{}'), /^no answer/, call)
  assert.deepEqual(await everything(store), before)
})

test('a stolen host cannot wipe out the reports of others with its own', async (t) => {
  const { thief, store } = await fleetOn(t)
  const before = await everything(store)
  for (const [name, value] of [
    ['Nats-Rollup', 'all'],
    ['Nats-Rollup', 'sub'],
  ] as const) {
    const h = headers()
    h.set(name, value)
    const answer = await thief.request(`$KV.${HOSTS}.reports.alice`, '{}', { timeout: 2000, headers: h })
    assert.match(answer.string(), /rollup not permitted/)
  }
  assert.deepEqual(await everything(store), before)
})

test('a stolen host cannot have the server write into documents of others: answers stay in the account of the hosts', async (t) => {
  const { thief, inCharge, store } = await fleetOn(t)
  const before = await everything(store)
  const replies = [`$KV.${HOSTS}.reports.bob`, `$KV.${CONTROL}.orders.bob`, `$KV.${CONTROL}.rollout`]
  for (const reply of replies) {
    thief.publish(`${DIRECT}.KV_${CONTROL}.$KV.${CONTROL}.orders.alice`, '', { reply })
    thief.publish(`$KV.${HOSTS}.plans.alice`, '{"mine":true}', { reply })
  }
  // Once its own plan has arrived three times, all answers have been written somewhere.
  await thief.flush()
  for (let revision = 0; revision === 0;) {
    const plan = await store.get('plans/alice')
    const info = await (await jetstreamManager(inCharge)).streams.info(`KV_${HOSTS}`)
    if (plan !== null && info.state.last_seq >= 5) revision = plan.revision
  }
  await answerTo(thief, `$KV.${HOSTS}.plans.alice`, '{}')
  assert.deepEqual(await everything(store), before)
  assert.equal(await store.get('rollout'), null)
})
