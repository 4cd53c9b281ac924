import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Result, runCli } from '../cli/run-cli.ts'
import { requireProblems, type Told } from '../support/problems.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { tempFolder } from '../support/temp.ts'
import { type Simulated, startSimulators } from './support/fleet.ts'

/** What a fleet's commands say with --json of what is wrong has a code, and the line of the spec where that has one. */

const FLEET = `apiVersion: qstate/v1
kind: Fleet
name: home
spec: [base.yaml]
hosts:
  desk: { reach: { socket: ../desk.sock } }
  laptop: { reach: { socket: ../laptop.sock } }
---
apiVersion: qstate/v1
kind: Rollout
name: everyone
revision: main
canary: { hosts: [desk] }
waves: [{}]
`
const spec = (settings: string): string =>
  `apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { ${settings} } }\n`

interface Home {
  readonly folder: string
  readonly machines: ReadonlyMap<string, Simulated>
  readonly commit: (base: string) => void
  readonly qstate: (...argv: string[]) => Promise<Result>
}

async function home(t: TestContext): Promise<Home> {
  const folder = tempFolder(t)
  const machines = await startSimulators(t, folder, ['desk', 'laptop'])
  const repository: Repository = makeRepository(t, join(folder, 'r'))
  repository.commit({ 'fleet.yaml': FLEET, 'base.yaml': spec('memory: 5000') })
  const env = { QSTATE_STATE_DIR: join(folder, 'state'), QSTATE_FLEET: join(folder, 'r', 'fleet.yaml') }
  return {
    ...{ folder, machines },
    commit: (base) => void repository.commit({ 'base.yaml': base }),
    qstate: (...argv) => runCli(['--json', ...argv], { env }),
  }
}

interface Case {
  readonly name: string
  readonly run: (it: Home) => Promise<Result>
  readonly has: readonly Told[]
}

/** Carries a rollout out that fails at the canary, and has nothing to go back to there. */
async function fail(it: Home): Promise<Result> {
  it.machines
    .get('desk')
    ?.simulator.setFaults([{ match: { method: 'admin.vm.property.Set', arg: 'memory' }, do: 'refuse' }])
  return it.qstate('rollout', 'start')
}

const CASES: readonly Case[] = [
  {
    name: 'rollout start: why a host failed, and why the rollout stopped',
    run: fail,
    has: [
      ['problem', 'too-many-failures', null],
      ['hosts.desk.problem', 'nothing-before', null],
    ],
  },
  {
    name: 'rollout history',
    async run(it) {
      await fail(it)
      return it.qstate('rollout', 'history')
    },
    has: [['rollouts.problem', 'too-many-failures', null]],
  },
  {
    name: 'fleet status: what a host could not do, with the line of its spec',
    async run(it) {
      await fail(it)
      return it.qstate('fleet', 'status')
    },
    has: [['hosts.report.trouble', 'refused', 3]],
  },
  {
    name: 'a host that failed after another revision went back, and why is still there',
    async run(it) {
      assert.equal((await it.qstate('rollout', 'start')).code, 0)
      it.commit(spec('memory: 6000 }, audio: { audiovm: nowhere'))
      return it.qstate('rollout', 'start')
    },
    has: [
      ['problem', 'too-many-failures', null],
      ['hosts.desk.problem', 'unknown-qube', 3],
    ],
  },
  {
    name: 'a rollout that a person ends',
    async run(it) {
      assert.equal((await it.qstate('rollout', 'start', '--detach')).code, 0)
      return it.qstate('rollout', 'abort')
    },
    has: [['problem', 'stopped', null]],
  },
  {
    name: 'rollout plan: a host that is not reached',
    async run(it) {
      await it.machines.get('laptop')?.simulator.close()
      return it.qstate('rollout', 'plan')
    },
    has: [['groups.problem', 'daemon-unreachable', null]],
  },
  {
    name: 'rollout plan: a commit that is no spec',
    run(it) {
      it.commit(spec('vcpu: 3'))
      return it.qstate('rollout', 'plan')
    },
    has: [['groups.problem', 'invalid-spec', 3]],
  },
  {
    name: 'rollout status',
    run: (it) => it.qstate('rollout', 'status'),
    has: [['error', 'no-rollout', null]],
  },
  {
    name: 'validate',
    run(it) {
      it.commit(spec('vcpu: 3'))
      return it.qstate('validate', join(it.folder, 'r', 'fleet.yaml'))
    },
    has: [['diagnostics', 'unknown-key', 3]],
  },
]

for (const { name, run, has } of CASES) {
  test(`what is wrong in a fleet has a code, and its line: ${name}`, async (t) => {
    requireProblems(await run(await home(t)), has)
  })
}

test('what is kept of hosts without an agent is not believed where others may write, their common folder included', async (t) => {
  const it = await home(t)
  const members = join(it.folder, 'state', 'fleets', 'home', 'members')
  mkdirSync(members, { recursive: true, mode: 0o700 })
  for (const folder of [members, join(members, 'desk')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o777)
    const refused = await it.qstate('rollout', 'plan')
    assert.equal(refused.code, 1)
    requireProblems(refused, [['error', 'unsafe-state-folder', null]])
    assert.ok(refused.out.includes(`${folder}: others may write there`), refused.out)
    chmodSync(folder, 0o700)
  }
  chmodSync(members, 0o777)
  // Comes back: whoever carries a rollout out does not go on without the hosts that it is for.
  requireProblems(await it.qstate('rollout', 'start'), [['error', 'unsafe-state-folder', null]])
  for (const { simulator } of it.machines.values()) assert.equal(simulator.writes(), 0)
})
