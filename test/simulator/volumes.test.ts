import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begin } from './begin.ts'

/** Volumes: their sizes, and copies of them. */

const sizeIn = (info: string): string | undefined => /\nsize=([0-9]+)\n/.exec(info)?.[1]

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: volumes have sizes, which may shrink, too`, async (t) => {
    const { act } = await begin(t, release)
    assert.equal(act('admin.vm.volume.List', 'win10-home'), '0|root\nprivate\nvolatile\nkernel\n')
    assert.equal(act('admin.vm.volume.List', 'dom0'), '0|')
    const size = (): string | undefined => sizeIn(act('admin.vm.volume.Info+root', 'win10-home'))
    assert.equal(size(), '10737418240')
    assert.equal(act('admin.vm.volume.Resize+root', 'win10-home', '64424509440\n'), '0|')
    assert.equal(size(), '64424509440')
    assert.equal(act('admin.vm.volume.Resize+root', 'win10-home', '1'), '0|')
    assert.equal(size(), '1')
    assert.equal(act('admin.vm.volume.Resize+root', 'win11-office', '64424509440'), '0|')
    assert.equal(act('admin.vm.volume.Resize+kernel', 'win10-home', '1'), '')
    for (const [call, payload, message] of [
      ['admin.vm.volume.Info+nosuch', '', "Argument not in 'win10-home volumes'"],
      ['admin.vm.volume.Resize+root', '60GiB', 'Volume size contains non ASCII digits'],
      ['admin.vm.volume.Resize+root', '0064424509440', 'Volume size contains spurious leading zeros'],
      ['admin.vm.volume.Resize+root', '9'.repeat(20), 'Volume size is bigger than 19 decimal digits'],
    ] as const) {
      const answer = act(call, 'win10-home', payload)
      if (release === '4.4') assert.ok(answer.includes(message), answer)
      else assert.equal(answer, '')
    }
  })

  test(`${release}: a volume of a running Windows changes, though the request fails`, async (t) => {
    const { simulator, act } = await begin(t, release)
    act('admin.vm.Start', 'win10-home')
    act('admin.vm.Start', 'win11-template')
    assert.equal(simulator.host.qubes.get('win11-template')?.tools, true)
    for (const [qube, answer] of [
      ['win10-home', "2|QubesVMError||Domain 'win10-home': qrexec not connected|"],
      [
        'win11-template',
        '2|StoragePoolException||Online resize of volume vm-templates/win11-template/root failed (you need to resize filesystem manually): no such service\n|',
      ],
      ['sys-usb', '0|'],
    ] as const) {
      assert.equal(
        act('admin.vm.volume.Resize+private', qube, '9'.repeat(12)),
        answer.replace('/root', '/private'),
      )
      assert.equal(sizeIn(act('admin.vm.volume.Info+private', qube)), '9'.repeat(12))
    }
  })

  test(`${release}: a token copies a volume once, as long as it is there`, async (t) => {
    const { act, heard } = await begin(t, release)
    const token = (volume: string, qube: string): string =>
      act(`admin.vm.volume.CloneFrom+${volume}`, qube).slice('0|'.length)
    const noToken =
      release === '4.4'
        ? "2|QubesVolumeCopyTokenNotFoundError||'Token to clone volume of qube was not found'|"
        : ''
    act('admin.vm.volume.Resize+private', 'win7-oem', '10737418240')
    const first = token('private', 'win7-oem')
    assert.equal(first.length, 32)
    assert.equal(act('admin.vm.volume.CloneTo+private', 'win10-home', first), '0|')
    assert.deepEqual(heard(), ['win10-home domain-import-volume'])
    assert.equal(sizeIn(act('admin.vm.volume.Info+private', 'win10-home')), '10737418240')
    assert.equal(act('admin.vm.volume.CloneTo+private', 'win10-home', first), noToken)
    assert.equal(act('admin.vm.volume.CloneTo+private', 'win10-home', 'nosuch'), noToken)
    for (const [source, target] of [
      ['kernel', 'volatile'],
      ['volatile', 'private'],
    ] as const) {
      const copied = token(source, 'win7-oem')
      assert.equal(act(`admin.vm.volume.CloneTo+${target}`, 'win10-home', copied), '', source)
    }
    const gone = token('private', 'win7-oem')
    assert.equal(act('admin.vm.Remove', 'win7-oem'), '0|')
    assert.equal(act('admin.vm.volume.CloneTo+private', 'win10-home', gone), '')
  })
}
