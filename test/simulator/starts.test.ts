import assert from 'node:assert/strict'
import { test } from 'node:test'
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
}
