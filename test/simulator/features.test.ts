import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from './begin.ts'

/** Features that the daemon itself sets, removes or checks. */

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: servicevm comes and goes with provides_network, however that changes`, async (t) => {
    const { simulator, act, heard } = await begin(t, release)
    const servicevm = (qube: string): string | undefined =>
      simulator.host.qubes.get(qube)?.features.get('servicevm')
    for (const qube of ['win10-work', 'win10-home']) {
      for (const end of ['Set', 'Reset']) {
        assert.equal(act('admin.vm.property.Set+provides_network', qube, 'True'), '0|')
        assert.equal(servicevm(qube), '1')
        assert.equal(act('admin.vm.feature.Set+servicevm', qube, ''), '0|')
        assert.equal(
          act(`admin.vm.property.${end}+provides_network`, qube, end === 'Set' ? 'False' : ''),
          '0|',
        )
        assert.equal(servicevm(qube), undefined)
        assert.ok(heard().includes(`${qube} domain-feature-delete:servicevm`))
      }
    }
    assert.equal(servicevm('sys-usb'), '1', 'one that a person has set')
    assert.equal(act('admin.vm.property.Reset+provides_network', 'sys-usb'), '0|')
    assert.equal(servicevm('sys-usb'), undefined, 'goes with a reset of what was not set')
  })

  test(`${release}: what is to persist is checked once it has been entered`, async (t) => {
    const { simulator, act } = await begin(t, release)
    for (const [value, answer] of [
      ['/home/user', '0|'],
      ['file:user:user:644:/x', '0|'],
      ['dir:user:user:0755:/x', '0|'],
      ['x', "2|QubesValueError||invalid value format: 'x'|"],
      ['dir:user:user:755:x', "2|QubesValueError||invalid value format: 'dir:user:user:755:x'|"],
      [
        'link:a:b:644:/x',
        "2|QubesValueError||invalid resource type option 'link' in value 'link:a:b:644:/x'|",
      ],
      ['file:a:b:9:/x', "2|QubesValueError||invalid mode option '9' in value 'file:a:b:9:/x'|"],
      ['file:a:b:77777:/x', "2|QubesValueError||invalid mode option '77777' in value 'file:a:b:77777:/x'|"],
    ] as const) {
      assert.equal(act('admin.vm.feature.Set+custom-persist.a', 'win7-oem', value), answer)
      assert.equal(simulator.host.qubes.get('win7-oem')?.features.get('custom-persist.a'), value)
    }
  })
}
