import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from './begin.ts'

/** Properties that name a qube, and qubes that they cannot name. */

test('4.4 fails over dom0 as template for disposables, and sets nothing', async (t) => {
  const { act, heard } = await begin(t, '4.4')
  for (const property of ['default_dispvm', 'management_dispvm']) {
    assert.equal(act(`admin.vm.property.Set+${property}`, 'win10-work', 'dom0'), '')
    assert.equal(act(`admin.property.Set+${property}`, 'dom0', 'dom0'), '')
    assert.deepEqual(heard(), [])
    assert.equal(
      act(`admin.vm.property.Set+${property}`, 'win10-work', 'mgmt'),
      `2|QubesPropertyValueError||Cannot set invalid property to qube 'win10-work', ${property} 'mgmt' has template_for_dispvms set to False|`,
    )
    assert.equal(act(`admin.property.Get+${property}`, 'dom0'), '0|default=True type=vm ')
  }
  assert.equal(act('admin.vm.property.Get+default_dispvm', 'win10-work'), '0|default=True type=vm ')
})

test('4.3 takes any qube as template for disposables, and fails late over one that can have none', async (t) => {
  const { act } = await begin(t, '4.3')
  assert.equal(act('admin.vm.property.Set+default_dispvm', 'win10-work', 'dom0'), '0|')
  for (const qube of ['dom0', 'win11-template']) {
    assert.equal(act('admin.property.Set+default_dispvm', 'dom0', qube), '')
    assert.equal(act('admin.property.Get+default_dispvm', 'dom0'), `0|default=False type=vm ${qube}`)
  }
  assert.equal(
    act('admin.property.Set+default_dispvm', 'dom0', 'mgmt'),
    '',
    'it fails over the last one, too',
  )
  assert.equal(act('admin.property.Set+default_dispvm', 'dom0', 'win11-office'), '0|')
})

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: dom0 as network is no answer; of the host it is the default all the same`, async (t) => {
    const { act, heard } = await begin(t, release)
    assert.equal(act('admin.vm.property.Set+netvm', 'win10-home', 'dom0'), '')
    assert.deepEqual(heard(), [])
    assert.equal(act('admin.vm.property.Get+netvm', 'win10-home'), '0|default=True type=vm sys-firewall')
    assert.equal(act('admin.property.Set+default_netvm', 'dom0', 'dom0'), '')
    assert.equal(act('admin.vm.property.Get+netvm', 'win10-home'), '0|default=True type=vm dom0')
  })

  test(`${release}: the template of a running disposable keeps its template`, async (t) => {
    const { act } = await begin(t, release)
    assert.equal(act('admin.vm.property.Set+template_for_dispvms', 'win11-office', 'True'), '0|')
    assert.equal(act('admin.vm.Create.DispVM+win11-office', 'dom0', 'name=once label=red'), '0|')
    assert.equal(act('admin.vm.property.Set+template', 'win11-office', 'fedora-42'), '0|')
    assert.equal(act('admin.vm.Start', 'once'), '0|')
    assert.equal(
      act('admin.vm.property.Set+template', 'win11-office', 'win11-template'),
      "2|QubesVMInUseError||('Cannot change template while there are running disposables based on this disposable template',)|",
    )
    assert.equal(act('admin.vm.property.Set+template', 'win11-office', 'fedora-42'), '0|', 'no change')
  })
}

test('4.3 keeps a template for disposables for the sake of its disposables, 4.4 of all who name it', async (t) => {
  const flag = 'property.Set+template_for_dispvms'
  for (const release of ['4.3', '4.4'] as const) {
    const { act, heard } = await begin(t, release)
    const strict = release === '4.4'
    const refusal = (text: string): string => `2|QubesVMInUseError||${text}|`
    const inUse = 'Cannot change template_for_dispvms to False while it is'
    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'True'), '0|')
    assert.equal(act('admin.property.Set+default_dispvm', 'dom0', 'win11-office'), '0|')
    const system = `${inUse} in use by the system by any of these properties: default_dispvm, management_dispvm`
    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'False'), strict ? refusal(system) : '0|')

    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'True'), '0|')
    assert.equal(act('admin.property.Set+default_dispvm', 'dom0', ''), '0|')
    assert.equal(act('admin.vm.property.Set+management_dispvm', 'win7-oem', 'win11-office'), '0|')
    const qube = `${inUse} the disposable template of a qube by any of these properties: default_dispvm, management_dispvm, template`
    assert.equal(
      act('admin.vm.property.Reset+template_for_dispvms', 'win11-office'),
      strict ? refusal(qube) : '0|',
    )
    if (strict) assert.deepEqual(heard(), ['win11-office property-pre-reset:template_for_dispvms'])

    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'True'), '0|')
    assert.equal(act('admin.vm.property.Reset+management_dispvm', 'win7-oem'), '0|')
    assert.equal(act('admin.vm.Create.DispVM+win11-office', 'dom0', 'name=once label=red'), '0|')
    const disposables =
      "('Cannot change template_for_dispvms to False while there are some disposables based on this disposable template',)"
    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'False'), refusal(strict ? qube : disposables))
    assert.equal(act('admin.vm.Remove', 'once'), '0|')
    assert.equal(act(`admin.vm.${flag}`, 'win11-office', 'False'), '0|')
  }
})
