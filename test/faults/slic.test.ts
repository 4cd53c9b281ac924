import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tableProblem } from '../../app/host/slic/acpi.ts'
import { simulatedHost } from '../cli/run-cli.ts'
import { TABLE_VECTORS } from '../support/tables.ts'

const HOST_SLIC = 'sys/firmware/acpi/tables/SLIC'

for (const { name, bytes, problem } of TABLE_VECTORS) {
  test(`a table from a file is ${problem === null ? 'taken' : 'refused'}: ${name}`, () => {
    assert.equal(tableProblem(bytes) ?? null, problem)
  })
}

test('a table that is code of the firmware never gets into a plan', async (t) => {
  for (const { name, bytes, problem } of TABLE_VECTORS) {
    if (problem === null) continue
    const host = await simulatedHost(t)
    writeFileSync(join(host.folder, 'table.bin'), bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const spec = host.write(
      'spec.yaml',
      `apiVersion: qstate/v1\nname: oem\nqubes: { win7-oem: { slic: { file: table.bin, sha256: ${sha256} } } }\n`,
    )
    const plan = await host.qstate('plan', spec)
    assert.equal(plan.code, 1, `${name}: ${plan.out}`)
    assert.match(plan.out, /! slic tables: [^]*cannot be used/, name)
  }
})

test('a host that has lost the table it gives to a qube is a problem in plan, status and doctor', async (t) => {
  const CASES = [
    {
      lose: (path: string) => {
        rmSync(path)
      },
      why: /this machine has no table SLIC/,
    },
    {
      lose: (path: string) => {
        writeFileSync(path, 'SLIC')
      },
      why: /cannot be used/,
    },
  ]
  for (const { lose, why } of CASES) {
    const host = await simulatedHost(t)
    const spec = host.write(
      'spec.yaml',
      'apiVersion: qstate/v1\nname: oem\nqubes: { win7-oem: { slic: host } }\n',
    )
    assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
    assert.equal((await host.qstate('plan', spec)).code, 0)
    lose(join(`${host.socket}.dom0`, HOST_SLIC))
    const plan = await host.qstate('plan', spec)
    assert.equal(plan.code, 1, plan.out)
    assert.match(plan.out, why)
    const status = await host.qstate('status', spec)
    assert.match(status.out, /win7-oem +halted +blocked/)
    const doctor = await host.qstate('doctor', spec)
    assert.equal(doctor.code, 1, doctor.out)
    assert.match(doctor.out, /✗ host-tables: SLIC/)
  }
})
