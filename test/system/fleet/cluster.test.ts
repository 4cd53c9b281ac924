import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { natsConnect } from '../../../fleet/nats/connect.ts'
import { natsMemberStore } from '../../../fleet/nats/member-store.ts'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { natsStore } from '../../../fleet/nats/store.ts'
import { type Store } from '../../../fleet/store/store.ts'
import { QstateError } from '../../../spec/diagnostics/index.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { tempFolder } from '../../support/temp.ts'
import { makeKey } from '../../fleet/support/fleet.ts'
import { freePort, startNats } from '../../fleet/support/nats-server.ts'
import { makeCertificates } from './tls.ts'

/** What has to work in the end, since the servers agree again: each try takes the time that the client gives it. */
async function atLast<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof QstateError)) throw error
    }
  }
}

test('three servers as they are configured keep everything while one of them is lost', async (t) => {
  const folder = tempFolder(t)
  const { ca, cert, key } = makeCertificates(folder)
  const [boss, anna] = [join(folder, 'boss.key'), join(folder, 'anna.key')]
  const { fleet } = loadFleet([
    {
      path: 'fleet.yaml',
      text: `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: ['tls://localhost:4222'], controllers: [${makeKey(boss)}], replicas: 3 }
hosts: { anna: { key: ${makeKey(anna)} } }
`,
    },
  ])
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const servers = await Promise.all(
    ports.map((port, index) => {
      const cluster = {
        name: `nats-${index}`,
        listen: `127.0.0.1:${port}`,
        routes: ports.filter((other) => other !== port).map((other) => `localhost:${other}`),
      }
      const text = serverConfig(fleet!, { listen: '', storeDir: '', tls: { cert, key, ca }, cluster })
      const config = text.replace(/^(?:listen|jetstream).*\n/gm, '')
      return startNats(t, tempFolder(t), config, true)
    }),
  )
  const urls = servers.map(({ url }) => url)
  const connection = await natsConnect({ servers: urls, host: null, keyFile: boss, caFile: ca })
  t.after(() => connection.close())
  const store: Store = await atLast(() => natsStore(connection, 'acme', 3))
  const host = await natsConnect({ servers: urls, host: 'anna', keyFile: anna, caFile: ca })
  t.after(() => host.close())
  const member = await atLast(() => natsMemberStore(host, 'acme', 'anna'))

  let revision = await atLast(() => store.put('orders/anna', { round: 0 }, 0))
  assert.ok(revision)
  for (const [index, server] of servers.entries()) {
    await server.kill()
    const before = await atLast(() => store.get('orders/anna'))
    assert.deepEqual(before?.value, { round: index })
    // A write that was not answered may have been done: whoever reads again knows.
    const round = index + 1
    const over: number = before.revision
    revision = await atLast(async () => {
      const written = await store.put('orders/anna', { round }, over)
      if (written !== null) return written
      const there = await store.get('orders/anna')
      assert.deepEqual(there?.value, { round })
      return there.revision
    })
    while ((await atLast(() => member.get('orders/anna')))?.revision !== revision);
    await server.start()
  }
})
