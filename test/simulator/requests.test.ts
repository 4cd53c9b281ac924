import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from './begin.ts'

/** Which arguments and payloads a method takes, and what it says of others. */

const DENIED = 'admin.vm.property.Get+devices_denied'

for (const argument of ['u0', 'x', 'u080650']) {
  test(`4.3 does not read the argument ${argument} of denied.Add and denied.Remove; 4.4 refuses it`, async (t) => {
    const old = await begin(t, '4.3')
    assert.equal(old.act(DENIED, 'win10-work'), '0|default=True type=str ')
    assert.equal(old.act(`admin.vm.device.denied.Remove+${argument}`, 'win10-work'), '0|')
    assert.equal(old.act(DENIED, 'win10-work'), '0|default=True type=str ', 'nothing to remove, nothing set')
    assert.equal(old.act(`admin.vm.device.denied.Add+${argument}`, 'win10-work'), '0|')
    assert.equal(old.act(DENIED, 'win10-work'), '0|default=False type=str ', 'set, to nothing')
    assert.equal(old.act(`admin.vm.device.denied.Add+${argument}`, 'win10-work', 'u03****'), '0|')
    assert.equal(old.act('admin.vm.device.denied.List', 'win10-work'), '0|u03****')

    const current = await begin(t, '4.4')
    for (const method of ['Add', 'Remove']) {
      assert.equal(
        current.act(`admin.vm.device.denied.${method}+${argument}`, 'win10-work'),
        '2|ProtocolError||unexpected argument|',
      )
    }
    assert.equal(current.act(DENIED, 'win10-work'), '0|default=True type=str ')
  })
}

const NO_PROPERTY = "2|QubesNoSuchPropertyError||Invalid property '' of win10-work|"
const NO_GLOBAL = "2|QubesNoSuchPropertyError||Invalid property '' of Qubes|"
const NO_FEATURE = '2|QubesFeatureNotFoundError||Feature not set for domain win10-work: |'

/** Methods that need an argument, with what 4.3 answers where there is none. */
const WITHOUT_ARGUMENT: readonly (readonly [method: string, payload: string, old: string])[] = [
  ['admin.vm.property.Get', '', NO_PROPERTY],
  ['admin.vm.property.GetDefault', '', NO_PROPERTY],
  ['admin.vm.property.Set', '', NO_PROPERTY],
  ['admin.vm.property.Reset', '', NO_PROPERTY],
  ['admin.property.Get', '', NO_GLOBAL],
  ['admin.property.GetDefault', '', NO_GLOBAL],
  ['admin.property.Set', '', NO_GLOBAL],
  ['admin.property.Reset', '', NO_GLOBAL],
  ['admin.vm.feature.Get', '', NO_FEATURE],
  ['admin.vm.feature.CheckWithTemplate', '', NO_FEATURE],
  ['admin.vm.feature.CheckWithNetvm', '', NO_FEATURE],
  ['admin.vm.feature.CheckWithAdminVM', '', NO_FEATURE],
  ['admin.vm.feature.CheckWithTemplateAndAdminVM', '', NO_FEATURE],
  ['admin.vm.feature.Remove', '', NO_FEATURE],
  ['admin.vm.feature.Set', '', '2|QubesValueError||feature name contains illegal characters|'],
  ['admin.vm.tag.Get', '', '0|0'],
  ['admin.vm.tag.Set', '', '0|'],
  ['admin.vm.tag.Remove', '', '0|'],
  ['admin.label.Get', '', '2|QubesValueError|||'],
  ['admin.label.Index', '', '2|QubesValueError|||'],
  ['admin.label.Create', '0x000000', '0|'],
  ['admin.vm.volume.Info', '', ''],
  ['admin.vm.volume.Resize', '1', ''],
  ['admin.vm.device.usb.Assign', "port_id='2-1' mode='auto-attach'", ''],
  ['admin.vm.device.usb.Unassign', '', ''],
  ['admin.vm.device.usb.Attach', '', ''],
  ['admin.vm.device.usb.Detach', '', ''],
  ['admin.vm.device.usb.Set.assignment', 'required', ''],
]

test('a method that needs an argument says so in 4.4, and takes none for an empty one in 4.3', async (t) => {
  const old = await begin(t, '4.3')
  const current = await begin(t, '4.4')
  for (const [method, payload, answer] of WITHOUT_ARGUMENT) {
    const dest = /^admin[.](property|label)/.test(method) ? 'dom0' : 'win10-work'
    assert.equal(current.act(method, dest, payload), '2|ProtocolError||expected an argument|', method)
    assert.equal(old.act(method, dest, payload), answer, method)
  }
})

test('4.4 asks for a payload before it looks at the argument', async (t) => {
  const { act } = await begin(t, '4.4')
  for (const method of [
    'admin.label.Create',
    'admin.label.Create+mauve',
    'admin.vm.volume.Resize',
    'admin.vm.volume.Resize+root',
    'admin.vm.device.usb.Assign',
    'admin.vm.device.usb.Set.assignment+sys-usb+2-1',
  ]) {
    assert.equal(act(method, 'dom0'), '2|ProtocolError||expected payload|', method)
  }
})

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: the path of a volume is that of the image that a start makes`, async (t) => {
    const { act } = await begin(t, release)
    for (const [qube, folder] of [
      ['win10-work', 'appvms'],
      ['win10-home', 'appvms'],
      ['win11-template', 'vm-templates'],
    ] as const) {
      const path = `path=/var/lib/qubes/${folder}/${qube}/root-dirty.img`
      assert.ok(act('admin.vm.volume.Info+root', qube).split('\n').includes(path), qube)
    }
  })
}
