import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'

/** A required device that is not where the spec says keeps its qube from starting: plan and status say so ahead of it. */

const CAMERA = '046d:0843:CAM00001:u0e0100u0e0200u010100'

const CASES: readonly { name: string; device: string; arrange?: (host: Host) => void; why: RegExp }[] = [
  {
    name: 'it is on another port',
    device: `sys-usb+1-4:${CAMERA}`,
    why: /the device sys-usb\+1-4:\S+ is required, and it is on port 2-1 now/,
  },
  {
    name: 'another device is on its port',
    device: 'sys-usb+2-1:dead:beef::u030000',
    why: /is required, and 2-1 has 046d:0843:CAM00001:\S+ now/,
  },
  { name: 'it is not plugged in', device: 'sys-usb+9-9:*', why: /is required, and it is not plugged in/ },
  {
    name: 'its USB qube does not run, though the qube starts with the host',
    device: 'sys-usb+2-1:*',
    arrange: (host) => {
      host.simulator.powerOff('sys-usb')
    },
    why: /is required, and sys-usb is not running/,
  },
]

const flat = (text: string): string => text.replace(/\s+/g, ' ')

for (const { name, device, arrange, why } of CASES) {
  test(`plan and status say that a qube would not start: ${name}`, async (t) => {
    const host = await simulatedHost(t)
    arrange?.(host)
    const body = `{ qube: { autostart: true }, stubdom: { qrexec: true }, usb: { "${device}": required } }`
    const path = host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes: { win7-oem: ${body} }\n`)
    assert.match(flat((await host.qstate('plan', path)).out), why)
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    const status = await host.qstate('status', path)
    assert.match(flat(status.out), why)
    assert.doesNotMatch(status.out, /All as wanted/)
    const { qubes } = JSON.parse((await host.qstate('status', '--json', path)).out) as {
      qubes: { hindered: { code: string; at: { line: number } }[] }[]
    }
    assert.deepEqual(
      qubes[0]?.hindered.map(({ code, at }) => [code, at.line]),
      [['device-absent', 3]],
    )
  })
}

test('a required device that is where the spec says is no matter', async (t) => {
  const host = await simulatedHost(t)
  const body = `{ stubdom: { qrexec: true }, usb: { "sys-usb+*:${CAMERA}": required } }`
  const path = host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes: { win7-oem: ${body} }\n`)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.match((await host.qstate('status', path)).out, /All as wanted/)
})
