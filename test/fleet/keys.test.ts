import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverConfig } from '../../fleet/server-config.ts'
import { loadFleet } from '../../spec/fleet/index.ts'
import { type Ended, runQstate } from '../support/process.ts'
import { tempFolder } from '../support/temp.ts'
import { makeKey } from './support/fleet.ts'
import { startNats } from './support/nats-server.ts'

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
