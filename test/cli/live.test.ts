import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

const WEBCAM = '046d:0843:CAM00001:u0e0100u0e0200u010100'

/** A spec for one running qube with these devices. */
function spec(host: Host, ...usb: string[]): string {
  const path = join(host.folder, 'spec.yaml')
  const lines = usb.map((line) => `      ${line}\n`).join('')
  writeFileSync(
    path,
    `apiVersion: qstate/v1\nqubes:\n  win10-work:\n    stubdom: { qrexec: true }\n    usb:\n${lines}      denied: []\n`,
  )
  return path
}

const attached = (host: Host): string[] =>
  [...host.simulator.host.attachments].map(([device, qube]) => `${device} ${qube}`)

test('without --live nothing is attached to a running qube', async (t) => {
  const host = await simulatedHost(t)
  assert.equal((await host.qstate('apply', '--yes', spec(host, '"sys-usb+2-1:*": auto-attach'))).code, 0)
  assert.deepEqual(attached(host), [])
})

test('--live attaches what is assigned by port, by identity or both, and detaches what is taken away', async (t) => {
  for (const key of ['sys-usb+2-1:*', `sys-usb+*:${WEBCAM}`, `sys-usb+2-1:${WEBCAM}`]) {
    for (const release of ['4.3', '4.4'] as const) {
      const host = await simulatedHost(t, { release })
      const { code, out } = await host.qstate('apply', '--yes', '--live', spec(host, `"${key}": auto-attach`))
      assert.equal(code, 0, out)
      assert.match(out, /✓ win10-work {2}usb sys-usb\+2-1:046d:0843… attached/)
      assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
      const { out: next } = await host.qstate('plan', spec(host, `"${key}": auto-attach`))
      assert.doesNotMatch(next, /usb|To be restarted/, 'what is attached waits for nothing')
      host.simulator.clearLog()
      await host.qstate('apply', '--yes', '--live', spec(host, `"${key}": auto-attach`))
      assert.equal(host.simulator.writes(), 0, 'what is attached is not attached again')
      const gone = await host.qstate('apply', '--yes', '--live', spec(host))
      assert.match(gone.out, /detached/)
      assert.deepEqual(attached(host), [])
    }
  }
})

test('a rollback that detaches, too, leaves nothing behind that waits', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', '--live', spec(host, '"sys-usb+2-1:*": auto-attach'))
  assert.equal((await host.qstate('rollback', '--yes', '--live')).code, 0)
  assert.deepEqual(attached(host), [])
  assert.equal(host.simulator.host.qubes.get('win10-work')?.features.has('qstate.applied'), false)
})

test('a device that is named in another way stays attached', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    await host.qstate('apply', '--yes', '--live', spec(host, '"sys-usb+2-1:*": auto-attach'))
    const { code, out } = await host.qstate(
      'apply',
      '--yes',
      '--live',
      spec(host, `"sys-usb+*:${WEBCAM}": auto-attach`),
    )
    assert.equal(code, 0, out)
    assert.deepEqual(attached(host), ['sys-usb 2-1 win10-work'])
    const { out: next } = await host.qstate('plan', spec(host, `"sys-usb+*:${WEBCAM}": auto-attach`))
    assert.doesNotMatch(next, /usb|To be restarted/)
  }
})

test('what --live has seen to leaves a qube known as created', async (t) => {
  const host = await simulatedHost(t)
  const path = join(host.folder, 'spec.yaml')
  const made = (usb: string): void => {
    writeFileSync(
      path,
      `apiVersion: qstate/v1\nname: test\nqubes: { win11-new: { ensure: { label: red }, usb: ${usb} } }\n`,
    )
  }
  made('{ "sys-usb+2-1:*": auto-attach }')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  host.simulator.act(Buffer.from('admin.vm.Start dom0 name win11-new\0'))
  made('{}')
  const { code, out } = await host.qstate('apply', '--yes', '--live', path)
  assert.equal(code, 0, out)
  const record = host.simulator.host.qubes.get('win11-new')?.features.get('qstate.applied') ?? '{}'
  assert.deepEqual((JSON.parse(record) as Record<string, unknown>)['set'], {})
})

test('an absent device is assigned and said so; one that asks first is not attached', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '"sys-usb+9-9:*": auto-attach', '"sys-usb+3-1:*": ask-to-attach')
  const { code, out } = await host.qstate('apply', '--yes', '--live', path)
  assert.equal(code, 0, out)
  assert.match(
    out,
    /· win10-work {2}usb sys-usb\+9-9:\* is not plugged in: assigned, and attached once it is/,
  )
  assert.deepEqual(attached(host), [])
})

test('a device that another qube has is not taken from it', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.host.attachments.set('sys-usb 2-1', 'win10-home')
  const { out } = await host.qstate('apply', '--yes', '--live', spec(host, '"sys-usb+2-1:*": auto-attach'))
  assert.match(out, /is attached to win10-home: not taken from it/)
  assert.deepEqual(attached(host), ['sys-usb 2-1 win10-home'])
})

test('a stubdomain that has no qrexec yet is not asked: the restart that it takes is named', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.host.qubes.get('win10-work')?.features.delete('stubdom-qrexec')
  const { code, out } = await host.qstate(
    'apply',
    '--yes',
    '--live',
    spec(host, '"sys-usb+2-1:*": auto-attach'),
  )
  assert.equal(code, 3)
  assert.match(out, /the running stubdomain has no qrexec yet\n\s+restart the qube/)
  assert.deepEqual(attached(host), [])
})

test('a refused attach fails the run in part, with qubesd’s reason', async (t) => {
  const host = await simulatedHost(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.device.usb.Attach' }, do: 'refuse' }])
  const { code, out } = await host.qstate(
    'apply',
    '--yes',
    '--live',
    spec(host, '"sys-usb+2-1:*": auto-attach'),
  )
  assert.equal(code, 3)
  assert.match(out, /✗ win10-work {2}usb sys-usb\+2-1:046d:0843… failed\n\s+admin\.vm\.device\.usb\.Attach/)
})
