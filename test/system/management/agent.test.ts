import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Running, runQstate, startQstate } from '../../support/process.ts'
import { makeRepository } from '../../support/repository.ts'
import { policyFor, world, type World } from './world.ts'

const SPEC = 'apiVersion: qstate/v1\nqubes:\n  win10-home: { audio: ich6, qube: { vcpus: 3 } }\n'
/** An agent in a management qube, with the policy that its spec needs and no more. */
async function begin(
  t: TestContext,
  ...flags: string[]
): Promise<{ readonly mgmt: World; readonly agent: Running; readonly env: Record<string, string> }> {
  const mgmt = await world(t, '4.3')
  const { folder } = mgmt.host
  const repo = makeRepository(t)
  repo.commit({ 'home.yaml': SPEC })
  const file = join(folder, 'agent.yaml')
  writeFileSync(
    file,
    `apiVersion: qstate/v1\nkind: Agent\nsource: { url: "${repo.folder}" }\nverify: { by: none }\npolicy: { commits: apply, drift: correct }\n`,
  )
  mgmt.qrexec.setPolicy(await policyFor(join(repo.folder, 'home.yaml'), '4.3', ...flags))
  const env = { QSTATE_QREXEC_CLIENT: mgmt.qrexec.program, QSTATE_STATE_DIR: join(folder, 'state') }
  const agent = startQstate(['agent', '--file', file], env)
  t.after(() => void agent.child.kill('SIGKILL'))
  return { mgmt, agent, env }
}

const modelOf = ({ host }: World): unknown =>
  host.simulator.host.qubes.get('win10-home')?.features.get('audio-model')

test('from a management qube, too, a commit is applied and a change is put right when its event is heard', async (t) => {
  const { mgmt, agent, env } = await begin(t, '--agent')
  await agent.said('applied to win10-home')
  assert.equal(modelOf(mgmt), 'ich6')
  mgmt.host.simulator.act(Buffer.from('admin.vm.feature.Set+audio-model dom0 name win10-home\0ac97'))
  await agent.said('has been put right')
  assert.equal(modelOf(mgmt), 'ich6')
  const { out } = await runQstate(['status'], env)
  assert.match(out, /^Agent applies .* \(process \d+\)$/m)
  assert.match(out, /^win10-home .* as wanted/m)
  agent.child.kill('SIGTERM')
  assert.equal((await agent.ended).code, 0)
  assert.deepEqual(
    mgmt.qrexec.seen.filter(({ allowed }) => !allowed),
    [],
  )
})

test('where events are refused it says which line is missing, and compares by the clock', async (t) => {
  const { mgmt, agent } = await begin(t)
  await agent.said('applied to win10-home')
  agent.child.kill('SIGTERM')
  const { code, err } = await agent.ended
  assert.equal(code, 0)
  assert.match(err, /no events: admin\.Events on dom0: qrexec policy in dom0 does not allow it/)
  // As a process it is called what this machine is called.
  assert.ok(err.includes(`admin.Events * ${hostname()} @adminvm allow target=dom0`), err)
  assert.deepEqual(
    mgmt.qrexec.seen.filter(({ allowed }) => !allowed).map(({ call }) => call),
    ['admin.Events'],
  )
})
