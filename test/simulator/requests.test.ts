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
