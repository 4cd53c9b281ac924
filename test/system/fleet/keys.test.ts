import assert from 'node:assert/strict'
import { type NatsConnection } from '@nats-io/transport-node'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { natsConnect } from '../../../fleet/nats/connect.ts'
import { serverConfig } from '../../../fleet/nats/server-config.ts'
import { loadFleet } from '../../../spec/fleet/load.ts'
import { type Ended, runQstate } from '../../support/process.ts'
import { tempFolder } from '../../support/temp.ts'
import { makeKey } from '../../fleet/support/fleet.ts'
import { startNats } from '../../fleet/support/nats-server.ts'
import { makeCertificates } from './tls.ts'

test('whoever is not in charge is told so, and the command ends', async (t) => {
  const folder = tempFolder(t)
  const keyOf = (name: string): string => join(folder, `${name}.key`)
  const [boss, anna] = [makeKey(keyOf('boss')), makeKey(keyOf('anna'))]
  makeKey(keyOf('stranger'))
  const text = (url: string): string => `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: ['${url}'], controllers: [${boss}] }
hosts: { anna: { key: ${anna} } }
`
  const { fleet } = loadFleet([{ path: 'fleet.yaml', text: text('nats://localhost:4222') }])
  const config = serverConfig(fleet!, { listen: '', storeDir: '', tls: null })
  const { url } = await startNats(t, folder, config.replace(/^(?:listen|jetstream).*\n/gm, ''))
  const file = join(folder, 'fleet.yaml')
  writeFileSync(file, text(url))
  const status = (...key: string[]): Promise<Ended> => runQstate(['fleet', 'status', '--fleet', file, ...key])

  const mine = await status('--key', keyOf('boss'))
  assert.equal(mine.code, 0, mine.err)
  for (const [key, why] of [
    [['--key', keyOf('anna')], /do not let this key do that[^]*store: controllers/],
    [['--key', keyOf('stranger')], /do not know the key in .*stranger\.key[^]*made anew since/],
    [[], /ask for a key[^]*--key FILE/],
  ] as const) {
    const { code, err } = await status(...key)
    assert.equal(code, 1, err)
    assert.match(err.replace(/\s+/g, ' '), why)
  }
})

test('what is wrong with files and certificates is told with the file, and what to do', async (t) => {
  const folder = tempFolder(t)
  const boss = join(folder, 'boss.key')
  const publicKey = makeKey(boss)
  const { ca, cert, key } = makeCertificates(folder)
  const others = join(folder, 'others')
  mkdirSync(others)
  const { ca: otherCa } = makeCertificates(others)
  const text = (url: string): string =>
    `apiVersion: qstate/v1\nkind: Fleet\nname: acme\nstore: { nats: ['${url}'], controllers: [${publicKey}] }\nhosts: { anna: {} }\n`
  const { fleet } = loadFleet([{ path: 'fleet.yaml', text: text('tls://localhost:4222') }])
  const config = serverConfig(fleet!, { listen: '', storeDir: '', tls: { cert, key } })
  const { url } = await startNats(t, folder, config.replace(/^(?:listen|jetstream).*\n/gm, ''), true)
  const file = join(folder, 'fleet.yaml')
  for (const [server, more, why] of [
    [url, ['--ca', ca], /never heard|^$/],
    [url, ['--ca', join(folder, 'no.pem')], /no\.pem: there is no such file .*--ca FILE/],
    [url, ['--ca', ca, '--key', join(folder, 'no.key')], /no\.key: there is no such file .*--key FILE/],
    [url, ['--ca', ca, '--key', folder], /: it is a folder/],
    [url, ['--ca', otherCa], /took the connection.* signed with none of those in .*others\/ca\.pem/],
    [url, [], /took the connection.* name the certificates .*--ca FILE/],
    [url.replace('localhost', '127.0.0.1'), ['--ca', ca], /took the connection.* as its certificate does/],
    ['tls://localhost:1', ['--ca', ca], /took the connection.* whether a server runs there/],
  ] as const) {
    writeFileSync(file, text(server))
    const { err } = await runQstate(['fleet', 'status', '--fleet', file, '--key', boss, ...more])
    assert.match(err.replace(/\s+/g, ' ').trim(), why)
  }
})

test('a server that is told by its address has to have a certificate for that address', async (t) => {
  const folder = tempFolder(t)
  const { ca, cert, key } = makeCertificates(folder, '127.0.0.1')
  const config = `tls { cert_file: "${cert}", key_file: "${key}" }`
  const { port } = await startNats(t, folder, config, true)
  const reach = (server: string): Promise<NatsConnection> =>
    natsConnect({ servers: [`tls://${server}:${port}`], host: null, keyFile: null, caFile: ca })
  await (await reach('127.0.0.1')).close()
  await assert.rejects(reach('localhost'), /its certificate is for IP Address:127\.0\.0\.1/)
})
