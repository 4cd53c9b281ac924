import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDoctor } from '../../app/doctor/doctor.ts'
import { startHost } from '../support/host.ts'
import { at, NOWHERE, targetOf, testContext, write } from './world.ts'

test('findings on host and qubes are values, each with its fix, and nothing is written', async (t) => {
  const host = await startHost(t)
  host.setFeature('win10-work', 'audio-model', 'ich9')
  const { release, examined } = await runDoctor(NOWHERE, targetOf(host), testContext(host.folder))
  assert.equal(release, '4.3')
  assert.equal(examined[0]?.qube, null)
  const work = examined.find(({ qube }) => qube === 'win10-work')
  const finding = work?.findings.find(({ check }) => check === 'audio-model')
  assert.equal(finding?.verdict, 'problem')
  assert.match(finding.problem.hint, /audio: ich6/)
  assert.equal(host.simulator.writes(), 0)
})

test('a spec says which qubes there ought to be', async (t) => {
  const host = await startHost(t)
  const text = 'apiVersion: qstate/v1\nqubes: { win12: { extends: windows-11 } }\n'
  const location = at(write(host.folder, 'spec.yaml', text))
  const { examined } = await runDoctor(location, targetOf(host), testContext(host.folder))
  const found = examined[0]?.findings.find(
    ({ check, verdict }) => check === 'windows-qubes' && verdict === 'problem',
  )
  assert.ok(found !== undefined && found.verdict !== 'ok')
  assert.match(found.problem.message, /the spec names win12/)
})

test('a tag that cannot be read is the business of the check of policy, and of no warning', async (t) => {
  const host = await startHost(t)
  const text = 'apiVersion: qstate/v1\nselect: [{ match: { tag: work }, qube: { memory: 6144 } }]\n'
  const location = at(write(host.folder, 'spec.yaml', text))
  host.simulator.setFaults([{ match: { method: 'admin.vm.tag.Get' }, do: 'refuse' }])
  const context = testContext(host.folder)
  await runDoctor(location, targetOf(host), context)
  assert.deepEqual(context.warnings, [])
})

test('a daemon that does not answer is a finding', async (t) => {
  const host = await startHost(t)
  await host.simulator.close()
  const { release, examined } = await runDoctor(NOWHERE, targetOf(host), testContext(host.folder))
  assert.equal(release, null)
  assert.deepEqual(
    examined.map(({ findings }) => findings.map(({ check, verdict }) => [check, verdict])),
    [[['daemon', 'problem']]],
  )
})
