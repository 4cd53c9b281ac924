import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { acceptCommit } from '../../app/agent/orders.ts'
import { type Unconfirmed } from '../../documents/host/index.ts'
import { type MarkContent, readMark } from '../../journal/unconfirmed.ts'
import { type AgentConfig } from '../../spec/agent/model.ts'
import { hostOptions } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { type Ended, startQstate } from '../support/process.ts'
import { act } from '../support/requests.ts'
import { fakeSystemd } from '../support/systemd.ts'
import { agentWorld, type AgentWorld } from './world.ts'

/** What the loop does while an apply of a person waits to be confirmed, and after it was not. */

const POLICY: AgentConfig['policy'] = {
  commits: 'apply',
  drift: new Map([['default', 'correct']]),
  withdraw: 'apply',
}

const spec = (vcpus: number): string =>
  `apiVersion: qstate/v1\nname: test\nqubes:\n  win-a: { qube: { vcpus: ${vcpus} } }\n`

interface Kept extends AgentWorld {
  readonly host: TestHost
  run(...argv: readonly string[]): Promise<Ended>
  /** A person applies this many CPUs, to be confirmed. */
  applyUnconfirmed(vcpus: number): Promise<void>
  setMark(change: Partial<MarkContent>): void
  vcpus(): unknown
  held(): readonly (string | null)[]
}

/** An agent that has applied three CPUs. */
async function kept(t: TestContext): Promise<Kept> {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }]) })
  const { env } = fakeSystemd(t)
  const world = agentWorld(host, { policy: POLICY })
  t.after(() => world.stop())
  world.branch.commit(spec(3))
  world.begin()
  await world.pass(1000)
  const path = join(world.place(), 'unconfirmed.json')
  const run: Kept['run'] = (...argv) => startQstate([...hostOptions(host), ...argv], env).ended
  return Object.assign(world, {
    ...{ host, run },
    async applyUnconfirmed(vcpus: number) {
      const file = join(host.folder, 'spec.yaml')
      writeFileSync(file, spec(vcpus))
      const { code, err } = await run('apply', '--yes', '--confirm', '5m', file)
      assert.equal(code, 0, err)
      await world.pass(1000)
    },
    setMark(change: Partial<MarkContent>) {
      const mark = JSON.parse(readFileSync(path, 'utf8')) as Unconfirmed
      writeFileSync(path, JSON.stringify({ ...mark, ...change }))
    },
    vcpus: () => host.simulator.host.qubes.get('win-a')?.properties.get('vcpus'),
    held: () => world.memory().held.map(({ why }) => why),
  })
}

test('while an apply waits to be confirmed the agent corrects nothing, and then what drifted', async (t) => {
  const it = await kept(t)
  await it.applyUnconfirmed(5)
  assert.equal(it.vcpus(), 5)
  assert.deepEqual(it.held(), ['awaiting-confirmation'])
  assert.ok(it.memory().held[0]?.until !== null, 'until when is known')
  act(it.host.simulator, { dest: 'win-a', method: 'admin.vm.property.Set', arg: 'vcpus', payload: '6' })
  await it.pass(60_000)
  assert.equal(it.vcpus(), 6)
  assert.equal((await it.run('confirm')).code, 0)
  await it.pass(5 * 60_000)
  assert.equal(it.vcpus(), 3)
  assert.deepEqual(it.held(), [])
})

test('the agent takes back what is overdue, with no timer', async (t) => {
  const it = await kept(t)
  await it.applyUnconfirmed(5)
  it.setMark({ deadline: 0 })
  await it.pass(5 * 60_000)
  assert.equal(await readMark(it.place()), null)
  assert.equal(it.vcpus(), 3)
  const message = 'generation 2 was not confirmed in time, and has been taken back'
  assert.ok(it.log.includes(`warn ${message}`), it.log.join('\n'))
})

test('a commit that was applied, not confirmed and taken back is held until a person decides on it', async (t) => {
  const it = await kept(t)
  await it.applyUnconfirmed(5)
  const commit = it.branch.commit(spec(5))
  it.setMark({ deadline: 0, commit })
  it.nudge()
  await it.pass(10 * 60_000)
  assert.equal(it.vcpus(), 3)
  assert.equal(it.memory().inForce?.commit, commit)
  assert.deepEqual(it.held(), ['not-confirmed'])
  act(it.host.simulator, { dest: 'win-a', method: 'admin.vm.property.Set', arg: 'vcpus', payload: '7' })
  await it.pass(60_000)
  assert.equal(it.vcpus(), 7, 'nor is drift corrected towards it')

  await acceptCommit(commit.slice(0, 40), it.target, it.context())
  it.nudge()
  await it.pass(60_000)
  assert.equal(it.vcpus(), 5)
})

test('the next commit is applied after one that was not confirmed', async (t) => {
  const it = await kept(t)
  await it.applyUnconfirmed(5)
  const commit = it.branch.commit(spec(5))
  it.setMark({ deadline: 0, commit })
  it.nudge()
  await it.pass(60_000)
  it.branch.commit(spec(8))
  it.nudge()
  await it.pass(60_000)
  assert.equal(it.vcpus(), 8)
})

test('a mark that cannot be read is told once, and nothing is applied', async (t) => {
  const it = await kept(t)
  writeFileSync(join(it.place(), 'unconfirmed.json'), '{}')
  act(it.host.simulator, { dest: 'win-a', method: 'admin.vm.property.Set', arg: 'vcpus', payload: '6' })
  await it.pass(60_000)
  assert.equal(it.vcpus(), 6)
  const told = /^warn .*unconfirmed\.json is damaged/
  assert.equal(it.log.filter((line) => told.test(line)).length, 1, it.log.join('\n'))
})
