import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Result, runCli } from '../../cli/run-cli.ts'
import { makeRepository, type Repository } from '../../support/repository.ts'
import { tempFolder } from '../../support/temp.ts'
import { memoryOf, type Simulated, startSimulators } from './fleet.ts'

export const FLEET = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
values: { memory: 6000 }
hosts:
  desk: { reach: { socket: ../desk.sock } }
  laptop: { reach: { socket: ../laptop.sock }, values: { memory: 4000 } }
  attic: { reach: { socket: ../attic.sock }, spec: [attic.yaml] }
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
canary: {}
waves: [{}]
maxUnavailable: 2
`
export const BASE = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { memory: "${memory}" } }\n'
export const ATTIC = 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { vcpus: 3 } }\n'

export interface Home {
  readonly folder: string
  readonly machines: ReadonlyMap<string, Simulated>
  readonly commit: Repository['commit']
  readonly env: Readonly<Record<string, string>>
  readonly fleet: string
  readonly qstate: (...argv: string[]) => Promise<Result>
}

export async function home(t: TestContext, fleet = FLEET): Promise<Home> {
  const folder = tempFolder(t)
  const machines = await startSimulators(t, folder, ['desk', 'laptop', 'attic'])
  const repository = makeRepository(t, join(folder, 'r'))
  const commit: Repository['commit'] = (files, options) => repository.commit(files, options)
  commit({ 'fleet.yaml': fleet, 'base.yaml': BASE, 'attic.yaml': ATTIC })
  const env = { QSTATE_STATE_DIR: join(folder, 'state'), QSTATE_FLEET: join(folder, 'r', 'fleet.yaml') }
  const qstate = (...argv: string[]): Promise<Result> => runCli(argv, { env })
  return { folder, machines, commit, env, fleet: env.QSTATE_FLEET, qstate }
}

export const memories = ({ machines }: Home): Readonly<Record<string, number>> =>
  Object.fromEntries([...machines].map(([name, machine]) => [name, memoryOf(machine)]))

export const HOME =
  'apiVersion: qstate/v1\nname: home\nqubes:\n  win10-work: { qube: { memory: "${memory}" } }\n'
export const vcpusOf = ({ machines }: Home, host: string): unknown =>
  machines.get(host)?.simulator.host.qubes.get('win10-home')?.properties.get('vcpus')

export const vcpus = (it: Home): Readonly<Record<string, number>> =>
  Object.fromEntries([...it.machines.keys()].map((name) => [name, Number(vcpusOf(it, name) ?? 0)]))

/** A fleet whose hosts all have a setting on a qube that nothing else is set on. */
export async function atHome(t: TestContext): Promise<Home> {
  const it = await home(t)
  it.commit({ 'base.yaml': `${HOME}  win10-home: { qube: { vcpus: 3 } }\n`, 'attic.yaml': HOME })
  assert.equal((await it.qstate('rollout', 'start')).code, 0)
  return it
}
