import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Result, runCli } from '../cli/run-cli.ts'
import { startSimulators } from '../fleet/support/fleet.ts'
import { makeRepository } from './repository.ts'
import { tempFolder } from './temp.ts'

/** A fleet of one host whose store is a folder, with a rollout that has ended. */
export async function fleetHome(
  t: TestContext,
): Promise<{ store: string; qstate: (...argv: string[]) => Promise<Result> }> {
  const folder = tempFolder(t)
  await startSimulators(t, folder, ['desk'])
  const repository = makeRepository(t, join(folder, 'r'))
  repository.commit({
    'fleet.yaml': `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts: { desk: { reach: { socket: ../desk.sock } }, attic: { reach: { socket: ../attic.sock } } }
---
apiVersion: qstate/v1
kind: Rollout
name: one
revision: main
waves: [{ hosts: [desk] }]
`,
    'base.yaml': 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { vcpus: 3 } }\n',
  })
  const env = { QSTATE_STATE_DIR: join(folder, 'state'), QSTATE_FLEET: join(folder, 'r', 'fleet.yaml') }
  const qstate = (...argv: string[]): Promise<Result> => runCli(argv, { env })
  const started = await qstate('rollout', 'start')
  assert.equal(started.code, 0, started.err)
  return { store: join(env.QSTATE_STATE_DIR, 'fleets/home/store'), qstate }
}

/** Writes the next revision of a document of the store. */
export function put(store: string, key: string, text: string | Buffer): void {
  const folder = join(store, `${key}.d`)
  mkdirSync(folder, { recursive: true })
  const last = Math.max(0, ...readdirSync(folder).map(Number).filter(Number.isInteger))
  writeFileSync(join(folder, String(last + 1).padStart(12, '0')), text)
}
