import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDom0Tree } from '../../simulator/index.ts'
import { begin } from './begin.ts'

/** What keeps a qube from starting, in whose words, and what stays behind. */

const LOG = 'see /var/log/libvirt/libxl/libxl-driver.log for details'

for (const release of ['4.3', '4.4'] as const) {
  for (const [model, reason] of [
    ['banana', "XML error: Invalid value for attribute 'model' in element 'sound': 'banana'."],
    ['ICH6', "XML error: Invalid value for attribute 'model' in element 'sound': 'ICH6'."],
    ['ich9', 'unsupported configuration: unsupported audio model ich9'],
    ['usb', 'unsupported configuration: unsupported audio model usb'],
  ] as const) {
    test(`${release}: libvirt refuses the sound model ${model}, and the event has its reason alone`, async (t) => {
      const { simulator, act, heard } = await begin(t, release)
      const reasons: unknown[] = []
      simulator.host.listeners.add(({ name, fields }) => {
        if (name === 'domain-start-failed') reasons.push(fields['reason'])
      })
      act('admin.vm.feature.Set+audio-model', 'win7-oem', model)
      assert.equal(act('admin.vm.Start', 'win7-oem'), `2|QubesException||Start failed: ${reason}, ${LOG}|`)
      assert.deepEqual(heard(), ['win7-oem domain-pre-start', 'win7-oem domain-start-failed'])
      assert.deepEqual(reasons, [reason])
      assert.equal(simulator.host.qubes.get('win7-oem')?.state, 'Halted')
    })
  }

  test(`${release}: a network that libvirt does not start keeps its clients from starting, for the same reason`, async (t) => {
    const { act, heard } = await begin(t, release)
    for (const [setting, value] of [
      ['property.Set+provides_network', 'True'],
      ['property.Set+netvm', ''],
      ['feature.Set+audio-model', 'banana'],
    ] as const) {
      assert.equal(act(`admin.vm.${setting}`, 'win10-home', value), '0|')
    }
    assert.equal(act('admin.vm.property.Set+netvm', 'win7-oem', 'win10-home'), '0|')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      `2|QubesException||Start failed: XML error: Invalid value for attribute 'model' in element 'sound': 'banana'., ${LOG}|`,
    )
    assert.deepEqual(heard(), [
      'win7-oem domain-pre-start',
      'win10-home domain-pre-start',
      'win10-home domain-start-failed',
      'win7-oem domain-start-failed',
    ])
  })

  test(`${release}: libvirt refuses for any reason that is given, until there is none`, async (t) => {
    const { simulator, act } = await begin(t, release)
    simulator.failStart('win7-oem', 'internal error: libxl: out of memory')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      `2|QubesException||Start failed: internal error: libxl: out of memory, ${LOG}|`,
    )
    simulator.failStart('win7-oem', null)
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
  })

  test(`${release}: a template that names a table which is not there keeps its qube from starting`, async (t) => {
    const files = mkdtempSync(join(tmpdir(), 'qstate-starts-'))
    t.after(() => {
      rmSync(files, { recursive: true })
    })
    makeDom0Tree(files)
    const { act } = await begin(t, release, files)
    const template = join(files, 'etc/qubes/templates/libvirt/xen/by-name/win7-oem.xml')
    const table = (path: string): void => {
      writeFileSync(
        template,
        `{% extends "libvirt/xen.xml" %}{% block os %}<acpi><table type='slic'>${path}</table></acpi>{% endblock %}`,
      )
    }
    table('/var/lib/qubes/missing.bin')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      `2|QubesException||Start failed: internal error: libxenlight failed to create new domain 'win7-oem', ${LOG}|`,
    )
    assert.equal(act('admin.vm.Start', 'win10-home'), '0|', 'a template is for the qube of its name')
    table('/sys/firmware/acpi/tables/SLIC')
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
    assert.equal(act('admin.vm.Kill', 'win7-oem'), '0|')
    unlinkSync(template)
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
  })

  test(`${release}: what is prohibited, or being restored, does not start; an audio qube that is halted is no reason`, async (t) => {
    const { act, heard } = await begin(t, release)
    act('admin.vm.feature.Set+prohibit-start', 'win7-oem', 'broken')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      '2|QubesException||Qube start is prohibited. Rationale: broken|',
    )
    assert.deepEqual(heard(), ['win7-oem domain-start-failed'])
    act('admin.vm.feature.Remove+prohibit-start', 'win7-oem')
    act('admin.vm.tag.Set+backup-restore-in-progress', 'win7-oem')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      '2|QubesVMError||Restore of this domain in progress, cannot start|',
    )
    assert.deepEqual(heard(), ['win7-oem domain-pre-start', 'win7-oem domain-start-failed'])
    act('admin.vm.tag.Remove+backup-restore-in-progress', 'win7-oem')
    act('admin.vm.property.Set+audiovm', 'win7-oem', 'sys-audio')
    act('admin.vm.Shutdown', 'sys-audio')
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
    assert.match(act('admin.vm.CurrentState', 'sys-audio'), /power_state=Halted$/)
  })

  test(`${release}: a guest may end by itself, or not when it is to`, async (t) => {
    const { simulator, act, heard } = await begin(t, release)
    act('admin.vm.Start', 'win7-oem')
    simulator.ignoreShutdown('win7-oem', true)
    assert.equal(act('admin.vm.Shutdown', 'win7-oem'), '0|')
    assert.deepEqual(heard(), ['win7-oem domain-pre-shutdown'])
    assert.match(act('admin.vm.CurrentState', 'win7-oem'), /power_state=Running$/)
    assert.equal(
      act('admin.vm.Shutdown+force+wait', 'win7-oem'),
      "2|QubesVMShutdownTimeoutError||Domain shutdown timed out: 'win7-oem'|",
    )
    simulator.powerOff('win7-oem')
    assert.match(act('admin.vm.CurrentState', 'win7-oem'), /power_state=Halted$/)
  })

  test(`${release}: the devices of a USB qube leave with it, and what was assigned comes back with it`, async (t) => {
    const { act, heard } = await begin(t, release)
    const device = "port_id='2-1' device_id='*' mode='auto-attach'"
    assert.equal(act('admin.vm.device.usb.Assign+sys-usb+2-1:*', 'win10-work', device), '0|')
    assert.equal(act('admin.vm.Shutdown', 'sys-usb'), '0|')
    act('admin.vm.Start', 'sys-usb')
    const attached = (): string => act('admin.vm.device.usb.Attached', 'win10-work')
    assert.match(attached(), /^0\|sys-usb\+2-1:/)
    assert.equal(act('admin.vm.Kill', 'sys-usb'), '0|')
    assert.ok(heard().includes('win10-work device-detach:usb'), heard().join('\n'))
    assert.ok(heard().includes('sys-usb device-removed:usb'))
    assert.equal(attached(), '0|')
    assert.equal(act('admin.vm.Start', 'sys-usb'), '0|')
    assert.ok(heard().includes('win10-work device-attach:usb'))
    assert.match(attached(), /^0\|sys-usb\+2-1:/)
  })
}
