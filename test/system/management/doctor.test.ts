import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { type Finding } from '../../../app/doctor/check.ts'
import { type SimulatedVersion } from '../../../simulator/index.ts'
import { differences, takeSnapshot } from '../../support/snapshot.ts'
import { policyFor, world } from './world.ts'

const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']

interface Told {
  readonly examined: readonly { readonly qube: string | null; readonly findings: readonly Finding[] }[]
}

const foundIn = (finding: Finding): string =>
  finding.verdict === 'ok' ? finding.found : finding.problem.message

test('from a management qube: what policy lets through is fine, and writes cannot be tried', async (t) => {
  for (const release of RELEASES) {
    const { host, qrexec, qstate } = await world(t, release)
    const example = 'examples/windows-10.yaml'
    qrexec.setPolicy(await policyFor(example, release))
    const before = takeSnapshot(host.simulator, `${host.socket}.dom0`)
    const { out } = await qstate('--json', 'doctor', example)
    assert.deepEqual(differences(before, takeSnapshot(host.simulator, `${host.socket}.dom0`)), [])
    const told = JSON.parse(out) as Told
    const policy = told.examined[0]?.findings.filter(({ check }) => check === 'policy') ?? []
    assert.deepEqual(
      policy.map(({ verdict }) => verdict),
      ['ok', 'unknown'],
      JSON.stringify(policy, null, 1),
    )
    assert.match(policy.map(foundIn)[1] ?? '', /qstate policy --qube/)
    const image = told.examined.flatMap(({ findings }) =>
      findings.filter(({ check }) => check === 'stubdomain-image'),
    )
    assert.deepEqual(
      image.map((one) => [one.verdict, /cannot be seen from here/.test(foundIn(one))]),
      [['unknown', true]],
    )
    assert.deepEqual(
      told.examined.map(({ qube }) => qube),
      [null, 'win10-work'],
    )
    assert.ok(qrexec.seen.every(({ call }) => !/\.(?:Set|Remove|Reset|Assign|Unassign|Attach)\b/.test(call)))
  }
})

test('from a management qube: a call that policy lacks is named, with its line', async (t) => {
  const { qrexec, qstate } = await world(t, '4.3')
  const example = 'examples/windows-10.yaml'
  const policy = await policyFor(example, '4.3')
  qrexec.setPolicy(policy.replace(/^admin\.vm\.feature\.Get +\+audio-model .*$/m, ''))
  const { code, out } = await qstate('doctor', example)
  assert.equal(code, 1, out)
  assert.match(out, /✗ policy: policy does not allow admin\.vm\.feature\.Get\+audio-model on win10-work/)
  assert.match(out, /admin\.vm\.feature\.Get \+audio-model test-host win10-work allow target=dom0/)
})

test('without a spec, a typical one says which calls are tried', async (t) => {
  const { qrexec, qstate } = await world(t, '4.3')
  qrexec.setPolicy(
    [
      'admin.vm.List * test-host @adminvm allow target=dom0',
      'admin.vm.List * test-host @anyvm allow target=dom0',
      'admin.vm.tag.Get +windows test-host @anyvm allow target=dom0',
    ].join('\n'),
  )
  const { code, out } = await qstate('doctor')
  assert.equal(code, 1, out)
  assert.match(out, /policy does not allow admin\.vm\.feature\.Get\+stubdom-qrexec on .*win10-work/)
  assert.match(out, /policy does not allow admin\.vm\.property\.GetAll on/)
})

test('from a management qube that may see none, that is the finding', async (t) => {
  const { qrexec, qstate } = await world(t, '4.3')
  qrexec.setPolicy('admin.vm.List * test-host @adminvm allow target=dom0')
  const { code, out } = await qstate('doctor')
  assert.equal(code, 1, out)
  assert.match(out, /✗ policy: policy lets this qube see no qube but dom0/)
  assert.match(out, /admin\.vm\.List \* test-host @anyvm allow target=dom0/)
})

test('from a management qube: the tables of the host, through the service of dom0', async (t) => {
  const { host, qrexec, qstate } = await world(t, '4.3')
  const example = 'examples/windows-7-oem.yaml'
  qrexec.setPolicy(await policyFor(example, '4.3'))
  const tables = async (): Promise<readonly string[]> => {
    const { out } = await qstate('--json', 'doctor', example)
    const findings = (JSON.parse(out) as Told).examined[0]?.findings ?? []
    return findings.flatMap((one) => (one.check === 'host-tables' ? [`${one.verdict}: ${foundIn(one)}`] : []))
  }
  assert.deepEqual(await tables(), ['ok: SLIC is there and sound', 'ok: MSDM is there and sound'])
  rmSync(`${host.socket}.dom0/sys/firmware/acpi/tables/SLIC`)
  assert.deepEqual(await tables(), [
    'problem: SLIC: this machine has no table SLIC',
    'ok: MSDM is there and sound',
  ])
  qrexec.missing.add('qstate.slic.Get')
  assert.match((await tables()).join(), /^problem: .*dom0 has no such service$/)
})
