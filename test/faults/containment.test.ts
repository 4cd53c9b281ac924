import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** No fact about the host makes a spec invalid: it blocks what it concerns, and the rest goes on. */

const DEVICE = 'usb/sys-usb+3-1:*'
const SPEC = `${HEAD}name: test
select: [{ match: { tag: work }, stubdom: { qrexec: true }, usb: { "sys-usb+3-1:*": auto-attach }, qube: { vcpus: 3 } }]
qubes: { win7-oem: { qube: { vcpus: 3 } } }
`

async function planOf(host: Host, path: string): Promise<Plan> {
  return JSON.parse((await host.qstate('plan', '--json', path)).out) as Plan
}

test('a device that a selector gives to two qubes is blocked in these, and everything else is applied', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const path = host.write('spec.yaml', SPEC)
    const { qubes } = await planOf(host, path)
    const blocked = qubes.map((one) => [
      one.qube,
      one.blocked.map(({ path: at, problem }) => [at, problem.code, problem.at?.line]),
    ])
    assert.deepEqual(blocked, [
      ['win10-work', [[DEVICE, 'contested-device', 3]]],
      ['win11-office', [[DEVICE, 'contested-device', 3]]],
      ['win7-oem', []],
    ])
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 3, out)
    assert.match(out, /^! win10-work +\d changes?$/m)
    assert.match(out, /^ +not done: usb sys-usb\+3-1:\*: win10-work and win11-office both take/m)
    assert.match(out, /^✓ win7-oem +1 change$/m)
    const vcpus = ['win10-work', 'win11-office', 'win7-oem'].map((name) =>
      host.simulator.host.qubes.get(name)?.properties.get('vcpus'),
    )
    assert.deepEqual(vcpus, [3, 3, 3])
    assert.equal(
      host.simulator.requests.some(({ method }) => method.endsWith('usb.Assign')),
      false,
    )
    assert.match((await host.qstate('status', path)).out, /win7-oem +halted +as wanted/)
    assert.notEqual((await host.qstate('doctor', path)).code, 65)
  }
})

test('a device that a qube has is not taken away because a second qube gets the tag', async (t) => {
  const host = await simulatedHost(t)
  const path = host.write('spec.yaml', SPEC)
  host.simulator.act(Buffer.from('admin.vm.tag.Remove+work dom0 name win11-office\0'))
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  host.simulator.act(Buffer.from('admin.vm.tag.Set+work dom0 name win11-office\0'))
  host.simulator.clearLog()
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3, out)
  assert.equal(
    host.simulator.requests.some(({ method }) => /usb\.(?:Una|A)ssign$/.test(method)),
    false,
  )
  host.simulator.act(Buffer.from('admin.vm.tag.Remove+work dom0 name win11-office\0'))
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
})

test('a selector that depends on itself on one qube blocks that qube, which keeps what it has', async (t) => {
  const host = await simulatedHost(t)
  const path = host.write(
    'spec.yaml',
    `${HEAD}name: test\nselect: [{ match: { tag: work }, qube: { vcpus: 3 } }]\nqubes: { win7-oem: { qube: { vcpus: 3 } } }\n`,
  )
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  host.write(
    'spec.yaml',
    `${HEAD}name: test\nselect: [{ match: { tag: work }, tags: { work: off } }]\nqubes: { win7-oem: { qube: { vcpus: 4 } } }\n`,
  )
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3, out)
  assert.match(out, /! whether this selector matches "win10-work" depends on itself/)
  const vcpus = ['win10-work', 'win7-oem'].map((name) =>
    host.simulator.host.qubes.get(name)?.properties.get('vcpus'),
  )
  assert.deepEqual(vcpus, [3, 4])
})
