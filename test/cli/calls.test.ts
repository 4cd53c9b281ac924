import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedHost } from './run-cli.ts'

/**
 * The least calls that a plan can make, counted at the simulator: one listing; a qube's properties with one GetAll where
 * two or more are wanted; one Get a feature, the record's among them; one call for USB; one for tags.
 */
const COUNTS = [
  {
    spec: 'examples/windows-10.yaml',
    plan: {
      'admin.vm.List': 1,
      'admin.vm.property.GetAll': 1,
      'admin.vm.feature.Get': 6,
      'admin.vm.device.usb.Assigned': 1,
      'admin.vm.tag.Get': 1,
    },
  },
  {
    spec: 'examples/live-linux.yaml',
    plan: {
      'admin.vm.List': 1,
      'admin.vm.property.GetAll': 1,
      'admin.vm.feature.Get': 3,
      'admin.vm.device.usb.Assigned': 1,
    },
  },
]

for (const { spec, plan } of COUNTS) {
  test(`planning ${spec} makes the least calls, before an apply and after it`, async (t) => {
    const host = await simulatedHost(t)
    const counted = async (...argv: string[]): Promise<Record<string, number>> => {
      host.simulator.clearLog()
      assert.equal((await host.qstate(...argv)).code, 0)
      const counts: Record<string, number> = {}
      for (const { method } of host.simulator.requests) counts[method] = (counts[method] ?? 0) + 1
      return counts
    }
    assert.deepEqual(await counted('plan', spec), plan)
    assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
    assert.deepEqual(await counted('plan', spec), plan)
  })
}

test('nothing is asked twice in one plan', async (t) => {
  const host = await simulatedHost(t, { fixture: 'examples/hosts/office.json' })
  await host.qstate('apply', '--yes', 'examples/office.yaml')
  host.simulator.clearLog()
  await host.qstate('plan', 'examples/office.yaml')
  const asked = host.simulator.requests.map((r) => `${r.method}+${r.arg} ${r.dest}`)
  assert.deepEqual(
    asked.filter((request, index) => asked.indexOf(request) !== index),
    [],
  )
})
