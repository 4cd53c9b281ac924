import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { natsConnect } from '../../fleet/nats/connect.ts'
import { natsStore } from '../../fleet/nats/store.ts'
import { localStore } from '../../fleet/store/local-store.ts'
import { type Store } from '../../fleet/store/store.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { tempFolder } from '../support/temp.ts'
import { freePort, startNats } from './support/nats-server.ts'

interface Made {
  /** Another one who uses the same documents. */
  readonly open: () => Promise<Store>
}

const STORES: Readonly<Record<string, (t: TestContext) => Promise<Made>>> = {
  'a folder': (t) => {
    const folder = tempFolder(t)
    const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
      await sleep(ms, undefined, { signal }).catch(() => undefined)
    }
    return Promise.resolve({ open: () => Promise.resolve(localStore(folder, pause)) })
  },
  'NATS JetStream': async (t) => {
    const { url } = await startNats(t, tempFolder(t), '')
    return {
      async open() {
        const connection = await natsConnect({ servers: [url], host: null, keyFile: null, caFile: null })
        t.after(() => connection.close())
        return natsStore(connection, 'acme', 1)
      },
    }
  },
}

for (const [name, make] of Object.entries(STORES)) {
  test(`${name}: what was written is read, by whoever asks`, async (t) => {
    const { open } = await make(t)
    const [one, other] = [await open(), await open()]
    assert.equal(await one.get('rollout'), null)
    const revision = await one.put('rollout', { a: 1 }, 0)
    const entry = await other.get('rollout')
    assert.deepEqual([entry?.value, entry?.revision, entry?.key], [{ a: 1 }, revision, 'rollout'])
    const big = {
      hosts: Object.fromEntries(
        Array.from({ length: 20_000 }, (_, at) => [`h${at}`, { stage: 'waiting', at }]),
      ),
    }
    assert.ok(revision)
    assert.ok(await other.put('rollout', big, revision))
    assert.deepEqual((await one.get('rollout'))?.value, big)
  })

  test(`${name}: only who has seen the last one writes over it`, async (t) => {
    const { open } = await make(t)
    const [one, other] = [await open(), await open()]
    const first = await one.put('orders/a', { n: 1 }, 0)
    assert.ok(first)
    assert.equal(await other.put('orders/a', { n: 2 }, 0), null)
    const second = await other.put('orders/a', { n: 2 }, first)
    assert.ok(second && second > first)
    assert.equal(await one.put('orders/a', { n: 3 }, first), null)
    assert.deepEqual((await one.get('orders/a'))?.value, { n: 2 })
  })

  test(`${name}: of many who write at once over the same, one has written`, async (t) => {
    const { open } = await make(t)
    const stores = await Promise.all([open(), open(), open()])
    let over = 0
    for (let round = 0; round < 12; round += 1) {
      const all = await Promise.all(
        stores.flatMap((store, index) =>
          [0, 1, 2].map((again) => store.put('leader', { round, who: `${index}.${again}` }, over)),
        ),
      )
      const written = all.filter((revision) => revision !== null)
      assert.equal(written.length, 1)
      over = written[0]!
      assert.equal((await stores[0].get('leader'))?.revision, over)
    }
  })

  test(`${name}: a group is listed by itself, and one who watches hears of each document at last`, async (t) => {
    const { open } = await make(t)
    const [one, other] = [await open(), await open()]
    await one.put('rollout', {}, 0)
    assert.deepEqual(await one.list('orders/'), [])
    const first = await one.put('orders/a', { n: 1 }, 0)
    await one.put('reports/a', { n: 9 }, 0)
    assert.deepEqual(
      (await one.list('orders/')).map(({ key, value }) => [key, value]),
      [['orders/a', { n: 1 }]],
    )
    const stop = new AbortController()
    const heard = new Map<string, unknown>()
    const watching = (async () => {
      for await (const { key, value } of other.watch('orders/', stop.signal)) {
        heard.set(key, value)
        if (heard.size === 1) {
          await one.put('orders/a', { n: 2 }, first ?? 0)
          await one.put('orders/b', { n: 3 }, 0)
        }
        if (JSON.stringify([...heard.values()]) === '[{"n":2},{"n":3}]') stop.abort()
      }
    })()
    await watching
    assert.deepEqual([...heard.keys()], ['orders/a', 'orders/b'])
  })
}

test('a folder: documents of the past go, and nothing is ever written as the first again', async (t) => {
  const store = localStore(tempFolder(t), () => Promise.resolve())
  let over = 0
  for (let n = 0; n < 40; n += 1) over = (await store.put('rollout', { n }, over))!
  assert.deepEqual((await store.get('rollout'))?.value, { n: 39 })
  assert.equal(await store.put('rollout', { n: -1 }, 0), null)
  assert.equal(await store.put('rollout', { n: -1 }, 20), null)
})

test('a folder: a document that is damaged is told as nothing that can be read', async (t) => {
  const folder = tempFolder(t)
  const store = localStore(folder, () => Promise.resolve())
  await store.put('rollout', { n: 1 }, 0)
  const { writeFileSync } = await import('node:fs')
  writeFileSync(`${folder}/rollout.d/000000000002`, '{ "n":')
  assert.equal((await store.get('rollout'))?.value, null)
})

test('NATS JetStream: a server that is killed and comes back has everything, and those who watch go on', async (t) => {
  const server = await startNats(t, tempFolder(t), '')
  const connection = await natsConnect({ servers: [server.url], host: null, keyFile: null, caFile: null })
  t.after(() => connection.close())
  const store = await natsStore(connection, 'acme', 1)
  const first = await store.put('orders/a', { n: 1 }, 0)
  const heard: unknown[] = []
  const stop = new AbortController()
  let begun: () => void = () => undefined
  const beginning = new Promise<void>((resolve) => (begun = resolve))
  const watching = (async () => {
    for await (const { value } of store.watch('orders/', stop.signal)) {
      heard.push(value)
      begun()
      if (JSON.stringify(value) === '{"n":2}') return
    }
  })()
  await beginning
  await server.kill()
  await assert.rejects(store.get('orders/a'), { name: 'QstateError', code: 'store-unreachable' })
  await server.start()
  for (;;) {
    const revision = await store.put('orders/a', { n: 2 }, first!).catch(() => 0)
    if (revision !== 0) break
  }
  await watching
  assert.deepEqual(heard.at(-1), { n: 2 })
  stop.abort()
})

test('NATS JetStream: a cluster of three that loses one has everything, and goes on', async (t) => {
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const servers = await Promise.all(
    ports.map((port, index) =>
      startNats(
        t,
        tempFolder(t),
        `server_name: s${index}\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      ),
    ),
  )
  const urls = servers.map(({ url }) => url)
  const open = async (): Promise<Store> => {
    const connection = await natsConnect({ servers: urls, host: null, keyFile: null, caFile: null })
    t.after(() => connection.close())
    // The servers have to find each other first.
    for (;;) {
      const store = await natsStore(connection, 'acme', 3).catch((error: unknown) => {
        if (!(error instanceof QstateError)) throw error
        return null
      })
      if (store !== null) return store
    }
  }
  const [one, other] = [await open(), await open()]
  let over = (await one.put('rollout', { n: 0 }, 0))!
  await servers[1]!.kill()
  for (let n = 1; n <= 5;) {
    // While another leader is chosen, nobody answers; what failed may have been done.
    const revision = await other.put('rollout', { n }, over).catch(() => null)
    const entry = await one.get('rollout').catch(() => null)
    if (entry === null) continue
    over = entry.revision
    if (JSON.stringify(entry.value) === JSON.stringify({ n })) n += 1
    else assert.equal(revision, null)
  }
  assert.deepEqual((await other.get('rollout'))?.value, { n: 5 })
})
