import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { differences, type Snapshot, takeSnapshot } from '../../support/snapshot.ts'
import { plain, policyFor, world } from './world.ts'

const SPEC = `apiVersion: qstate/v1
name: office
qubes:
  win10-work: { extends: windows-10, qube: { memory: 5000 }, tags: [office], usb: { "sys-usb+2-1:*": auto-attach } }
  win7-oem: { slic: host, audio: ac97 }
`

test('a management qube gives back all that it has set, under the policy of its spec', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const { host, qrexec, qstate } = await world(t, release)
    // The lock of the service in dom0 is a file that goes with the boot.
    const snapshot = (): Snapshot =>
      new Map(
        [...takeSnapshot(host.simulator, `${host.socket}.dom0`)].filter(([key]) => !/^file run\//.test(key)),
      )
    const file = join(host.folder, 'spec.yaml')
    writeFileSync(file, SPEC)
    const start = snapshot()
    qrexec.setPolicy(await policyFor(file, release))
    const applied = await qstate('apply', '--yes', file)
    assert.equal(applied.code, 0, applied.out + applied.err)
    assert.ok(
      differences(start, snapshot()).some((line) => line.includes('libvirt/xen/by-name/win7-oem.xml')),
    )
    const { code, out, err } = await qstate('withdraw', '--all', '--yes')
    assert.equal(code, 0, out + err)
    assert.match(plain(err), /qubes that policy does not show to this one are not looked at/)
    assert.deepEqual(differences(start, snapshot()), [])
    const again = await qstate('withdraw', '--all', '--yes')
    assert.deepEqual([again.code, /Nothing to give back/.test(again.out)], [0, true])
  }
})
