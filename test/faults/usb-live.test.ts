import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** With --live, what is attached to running qubes follows what is assigned, whichever run it was that changed the assignments. */

const CAMERA = 'sys-usb+2-1:*'
const RELEASES = ['4.3', '4.4'] as const

type Devices = Readonly<Record<string, string>>

function spec(host: Host, usb: { readonly win10?: Devices; readonly win11?: Devices }): string {
  const body = (devices: Devices = {}): string =>
    `{ stubdom: { qrexec: true }, usb: ${JSON.stringify({ denied: [], ...devices })} }`
  return host.write(
    'spec.yaml',
    `apiVersion: qstate/v1\nname: test\nqubes:\n  win10-work: ${body(usb.win10)}\n  win11-office: ${body(usb.win11)}\n`,
  )
}

const attached = (host: Host): readonly string[] =>
  [...host.simulator.host.attachments].map(([device, qube]) => `${device} ${qube}`)

const live = (host: Host, path: string): ReturnType<Host['qstate']> =>
  host.qstate('apply', '--yes', '--live', path)

/** Both qubes run, and win10-work has the camera. */
async function bothRun(host: Host): Promise<void> {
  const path = spec(host, { win10: { [CAMERA]: 'auto-attach' } })
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  act(host.simulator, { dest: 'win11-office', method: 'admin.vm.Start', arg: '', payload: '' })
  const { code, out } = await live(host, path)
  assert.equal(code, 0, out)
  assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
  host.simulator.clearLog()
}

const moves = (host: Host): readonly string[] =>
  host.simulator.requests.flatMap(({ dest, method }) => {
    const what = /[.](Attach|Detach)$/.exec(method)?.[1]
    return what === undefined ? [] : [`${what} ${dest}`]
  })

for (const release of RELEASES) {
  test(`${release}: one run with --live moves a device from a running qube to another: it is detached, then attached`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const { code, out } = await live(host, spec(host, { win11: { [CAMERA]: 'auto-attach' } }))
    assert.equal(code, 0, out)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win11-office'])
    assert.deepEqual(moves(host), ['Detach win10-work', 'Attach win11-office'])
    assert.match(out, /✓ win10-work {2}usb \S+ detached\n✓ win11-office {2}usb \S+ attached/)
    assert.doesNotMatch(
      (await host.qstate('status', spec(host, { win11: { [CAMERA]: 'auto-attach' } }))).out,
      /waits/,
    )
  })

  test(`${release}: a rollback with --live moves the device back`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    assert.equal((await live(host, spec(host, { win11: { [CAMERA]: 'auto-attach' } }))).code, 0)
    const { code, out } = await host.qstate('rollback', '--yes', '--live')
    assert.equal(code, 0, out)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
  })

  test(`${release}: two running qubes exchange their devices in one run with --live`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const stick = 'sys-usb+3-1:*'
    const before = { win10: { [CAMERA]: 'auto-attach' }, win11: { [stick]: 'auto-attach' } }
    assert.equal((await live(host, spec(host, before))).code, 0)
    const after = { win10: { [stick]: 'auto-attach' }, win11: { [CAMERA]: 'auto-attach' } }
    const { code, out } = await live(host, spec(host, after))
    assert.equal(code, 0, out)
    assert.deepEqual([...attached(host)].sort(), ['sys-usb 2-1 win11-office', 'sys-usb 3-1 win10-work'])
  })

  test(`${release}: a device that cannot be detached is not attached elsewhere, and the next run with --live moves it`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, { win11: { [CAMERA]: 'auto-attach' } })
    host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Detach' }, do: 'refuse' }])
    const { code, out } = await live(host, path)
    assert.equal(code, 3, out)
    assert.match(out, /win11-office {2}usb \S+ is attached to win10-work: not taken from it/)
    assert.deepEqual(moves(host), ['Detach win10-work'])
    host.simulator.setFaults([])
    assert.equal((await live(host, path)).code, 0)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win11-office'])
  })

  test(`${release}: a move that was cut off between detach and attach is completed by the next run with --live`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, { win11: { [CAMERA]: 'auto-attach' } })
    host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Attach' }, do: 'refuse' }])
    assert.equal((await live(host, path)).code, 3)
    assert.deepEqual(attached(host), [])
    host.simulator.setFaults([])
    const { code, out } = await live(host, path)
    assert.equal(code, 0, out)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win11-office'])
  })

  test(`${release}: --live detaches what an earlier run without it took away, though nothing else is to do`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, {})
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
    const { code, out } = await live(host, path)
    assert.equal(code, 0, out)
    assert.match(out, /win10-work {2}usb \S+ detached/)
    assert.deepEqual(attached(host), [])
    assert.doesNotMatch((await host.qstate('status', path)).out, /waits/)
    host.simulator.clearLog()
    await live(host, path)
    assert.equal(host.simulator.writes(), 0, 'once is enough')
  })

  test(`${release}: --live moves what an earlier run without it has assigned to another qube`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, { win11: { [CAMERA]: 'auto-attach' } })
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.equal((await live(host, path)).code, 0)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win11-office'])
    assert.deepEqual(moves(host), ['Detach win10-work', 'Attach win11-office'])
  })

  test(`${release}: --live detaches a device that the spec says is off, whoever attached it`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, { win10: { [CAMERA]: 'off' } })
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    assert.equal((await live(host, path)).code, 0)
    assert.deepEqual(attached(host), [])
    host.simulator.host.attachments.set('sys-usb 2-1', 'win10-work')
    assert.equal((await live(host, path)).code, 0)
    assert.deepEqual(attached(host), [])
  })

  test(`${release}: --live leaves what another assignment gives the qube, and what was attached by hand`, async (t) => {
    const host = await simulatedHost(t, { release })
    await bothRun(host)
    const path = spec(host, {})
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    const identity = '046d:0843:CAM00001:u0e0100u0e0200u010100'
    act(host.simulator, {
      dest: 'win10-work',
      method: 'admin.vm.device.usb.Assign',
      arg: `sys-usb+*:${identity}`,
      payload: `port_id='*' device_id='${identity}' mode='auto-attach'`,
    })
    host.simulator.host.attachments.set('sys-usb 3-1', 'win10-work')
    assert.equal((await live(host, path)).code, 0)
    assert.deepEqual([...attached(host)].sort(), ['sys-usb 2-1 win10-work', 'sys-usb 3-1 win10-work'])
  })
}

test('what a record says of devices is followed only where it was last written from here', async (t) => {
  const host = await simulatedHost(t)
  await bothRun(host)
  const path = spec(host, { win10: { [CAMERA]: 'auto-attach' } })
  const features = host.simulator.host.qubes.get('win10-work')!.features
  const record = features.get('qstate.applied') ?? ''
  const entry = '"usb/sys-usb+2-1:*":{"mode":"auto-attach"}'
  const forged = record.replace(entry, `${entry},"usb/sys-usb+3-1:*":{"mode":"auto-attach"}`)
  assert.notEqual(forged, record)
  features.set('qstate.applied', forged)
  await host.qstate('apply', '--yes', '--live', '--target', 'win10-work/qube', path)
  assert.deepEqual(moves(host), [])
  assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
})
