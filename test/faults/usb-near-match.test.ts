import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** A device that is not plugged in is told together with the one that comes nearest to it, and with how to assign that. */

interface Case {
  readonly name: string
  readonly device: string
  readonly near: RegExp
  readonly hint: RegExp
}

const CAMERA = '046d:0843:CAM00001:u0e0100u0e0200u010100'
const FUNCTION_GADGET = {
  port: '2-3',
  vendor_product: '1d6b:0104',
  serial: 'unknown',
  interfaces: ['030000'],
  vendor: null,
  product: null,
  manufacturer: null,
  name: null,
}

const CASES: readonly Case[] = [
  {
    name: 'the same device with another serial',
    device: 'sys-usb+*:1d6b:0104:0123456789:u030000',
    near: /2-3 has 1d6b:0104 with serial unknown/,
    hint: /if that is the device, assign it: "sys-usb\+\*:1d6b:0104:unknown:u030000"/,
  },
  {
    name: 'the same device without a serial',
    device: 'sys-usb+*:1050:0407:000123:u030101u030000u0b0000',
    near: /3-4 has 1050:0407 with serial unknown/,
    hint: /if that is the device, assign it: "sys-usb\+\*:1050:0407::u030101u030000u0b0000"/,
  },
  {
    name: 'the same device with other interfaces',
    device: 'sys-usb+*:046d:0843:CAM00001:u0e0100',
    near: /2-1 has 046d:0843 with interfaces u0e0100u0e0200u010100/,
    hint: /if that is the device, assign it: "sys-usb\+\*:046d:0843:CAM00001:u0e0100u0e0200u010100"/,
  },
  {
    name: 'the same device on another port',
    device: `sys-usb+1-4:${CAMERA}`,
    near: /it is on port 2-1 now/,
    hint: /plug it into port 1-4, or assign it on any port: "sys-usb\+\*:046d:0843:CAM00001:u0e0100u0e0200u010100"/,
  },
  {
    name: 'another device on its port',
    device: 'sys-usb+2-1:dead:beef::u030000',
    near: /2-1 has 046d:0843:CAM00001:u0e0100u0e0200u010100 now/,
    hint: /if that is the device, assign it: "sys-usb\+2-1:046d:0843:CAM00001:u0e0100u0e0200u010100"/,
  },
]

const flat = (text: string): string => text.replace(/\s+/g, ' ')

async function hostWith(t: Parameters<typeof simulatedHost>[0]): Promise<Host> {
  const host = await simulatedHost(t)
  const devices = host.simulator.host.usb.get('sys-usb') ?? []
  host.simulator.host.usb.set('sys-usb', [...devices, FUNCTION_GADGET])
  return host
}

function spec(host: Host, devices: Readonly<Record<string, string>>): string {
  const body = `{ stubdom: { qrexec: true }, usb: ${JSON.stringify(devices)} }`
  return host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes: { win10-work: ${body} }\n`)
}

for (const { name, device, near, hint } of CASES) {
  test(`apply --live, status and doctor name ${name}`, async (t) => {
    const host = await hostWith(t)
    const path = spec(host, { [device]: 'auto-attach' })
    const { code, out } = await host.qstate('apply', '--yes', '--live', path)
    assert.equal(code, 0, out)
    host.simulator.powerOff('win10-work')
    act(host.simulator, { dest: 'win10-work', method: 'admin.vm.Start', arg: '', payload: '' })
    const status = (await host.qstate('status', path)).out
    const doctor = (await host.qstate('doctor', path)).out
    for (const text of [out, status, doctor]) {
      assert.match(flat(text), near)
      assert.match(flat(text), hint)
    }
    assert.match(status, /All as wanted/, 'it is attached once it is plugged in')
  })

  test(`plan of a required device names ${name}`, async (t) => {
    const host = await hostWith(t)
    const path = spec(host, { [device]: 'required' })
    const { out } = await host.qstate('plan', path)
    assert.match(flat(out), near)
    assert.match(flat(out), hint)
  })
}

test('a device that nothing comes near is not plugged in, and no other is named', async (t) => {
  const host = await hostWith(t)
  const path = spec(host, { 'sys-usb+*:dead:beef::u030000': 'auto-attach', 'sys-usb+9-9:*': 'auto-attach' })
  const { out } = await host.qstate('apply', '--yes', '--live', path)
  assert.match(out, /usb sys-usb\+9-9:\* is not plugged in: assigned, and attached once it is/)
  assert.doesNotMatch(out, / has |it is on port/)
})

test('a plan that reads devices says which of them are not plugged in now', async (t) => {
  const host = await hostWith(t)
  const path = spec(host, {
    [`sys-usb+*:${CAMERA}`]: 'required',
    'sys-usb+*:1d6b:0104:0123456789:u030000': 'auto-attach',
    'sys-usb+3-1:*': 'auto-attach',
  })
  const { out } = await host.qstate('plan', path)
  assert.match(
    flat(out),
    /· usb sys-usb\+\*:1d6b:0104…: is not plugged in \(2-3 has 1d6b:0104 with serial unknown\): assigned, and attached once it is/,
  )
  assert.doesNotMatch(out, /3-1:\*: /)
})
