import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** A device that is assigned and plugged in, and that its running qube does not have, is no qube as wanted. */

const CAMERA = 'sys-usb+2-1:*'
const PORT = 'sys-usb 2-1'
const flat = (text: string): string => text.replace(/\s+/g, ' ')

const spec = (host: Host, mode: string, more = ''): string =>
  host.write(
    'spec.yaml',
    `apiVersion: qstate/v1\nname: test\nqubes:\n  win10-work: { stubdom: { qrexec: true }, usb: { "${CAMERA}": ${mode}${more} } }\n`,
  )

interface Told {
  readonly qubes: readonly {
    readonly state: string
    readonly devices: readonly { readonly path: string; readonly problem: { readonly code: string } }[]
  }[]
}

const told = async (host: Host, path: string): Promise<readonly unknown[]> =>
  (JSON.parse((await host.qstate('status', '--json', path)).out) as Told).qubes.map(({ state, devices }) => [
    state,
    devices.map((one) => [one.path, one.problem.code]),
  ])

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: status and doctor tell that a device is plugged in and not attached`, async (t) => {
    const host = await simulatedHost(t, { release })
    const path = spec(host, 'auto-attach')
    assert.equal((await host.qstate('apply', '--yes', '--live', path)).code, 0)
    assert.match((await host.qstate('status', path)).out, /All as wanted/)
    assert.match((await host.qstate('doctor', path)).out, /✓ host .* all well/)
    host.simulator.host.attachments.delete(PORT)
    const status = (await host.qstate('status', path)).out
    assert.match(
      flat(status),
      /drifted usb sys-usb\+2-1:\* is plugged into port 2-1, and not attached: `qstate apply --live`/,
    )
    assert.doesNotMatch(status, /All as wanted/)
    assert.deepEqual(await told(host, path), [['drifted', [[`usb/${CAMERA}`, 'not-attached']]]])
    assert.match(
      flat((await host.qstate('doctor', path)).out),
      /sys-usb\+2-1:\* of win10-work is plugged into port 2-1, and not attached/,
    )
    assert.equal((await host.qstate('apply', '--yes', '--live', path)).code, 0)
    assert.deepEqual(await told(host, path), [['as wanted', []]])
  })

  test(`${release}: status and doctor tell that another qube has the device`, async (t) => {
    const host = await simulatedHost(t, { release })
    const path = spec(host, 'auto-attach')
    assert.equal((await host.qstate('apply', '--yes', '--live', path)).code, 0)
    host.simulator.host.attachments.set(PORT, 'sys-net')
    assert.deepEqual(await told(host, path), [['drifted', [[`usb/${CAMERA}`, 'device-in-use']]]])
    assert.match(flat((await host.qstate('doctor', path)).out), /2-1:\* of win10-work is attached to sys-net/)
  })

  test(`${release}: status tells that a device is attached that the spec says is off`, async (t) => {
    const host = await simulatedHost(t, { release })
    const path = spec(host, 'off')
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.deepEqual(await told(host, path), [['as wanted', []]])
    host.simulator.host.attachments.set(PORT, 'win10-work')
    assert.deepEqual(await told(host, path), [['drifted', [[`usb/${CAMERA}`, 'still-attached']]]])
  })
}

test('a device that asks first, one that waits for a restart, and those of a halted qube are no drift', async (t) => {
  const host = await simulatedHost(t)
  assert.equal((await host.qstate('apply', '--yes', spec(host, 'ask-to-attach'))).code, 0)
  host.simulator.powerOff('win10-work')
  assert.deepEqual(await told(host, spec(host, 'ask-to-attach')), [['as wanted', []]])
  assert.equal((await host.qstate('apply', '--yes', spec(host, 'auto-attach'))).code, 0)
  assert.deepEqual(await told(host, spec(host, 'auto-attach')), [['as wanted', []]])
})

test('of a qube that is paused, that alone is told', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, 'auto-attach')
  assert.equal((await host.qstate('apply', '--yes', '--live', path)).code, 0)
  host.simulator.host.attachments.delete(PORT)
  act(host.simulator, { dest: 'win10-work', method: 'admin.vm.Pause', arg: '', payload: '' })
  assert.deepEqual(await told(host, path), [['as wanted', []]])
})

test('what waits for a restart is told as that alone', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, 'auto-attach')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.deepEqual(await told(host, path), [['as wanted', []]])
  assert.match(flat((await host.qstate('status', path)).out), /waits for its next start: usb sys-usb\+2-1:\*/)
})

test('a plan that reads devices notes one that is not attached', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, 'auto-attach', ', "sys-usb+3-1:*": required')
  assert.equal((await host.qstate('apply', '--yes', '--live', path)).code, 0)
  assert.doesNotMatch((await host.qstate('plan', path)).out, /not attached/)
  host.simulator.host.attachments.delete(PORT)
  assert.match(
    flat((await host.qstate('plan', path)).out),
    /· usb sys-usb\+2-1:\*: is plugged into port 2-1, and not attached; `qstate apply --live` attaches it/,
  )
})
