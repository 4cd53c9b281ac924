import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeEvents } from '../../qubesd/codec.ts'
import { makeDom0Tree } from '../../simulator/dom0-tree.ts'
import { toFixture } from '../../simulator/host/host.ts'
import { type SimulatedVersion } from '../../simulator/host/release.ts'
import { defaultFixture } from '../../simulator/index.ts'
import { request } from './ask.ts'
import { begin } from './begin.ts'

/** What the recordings do not show, as the daemon's source has it. */

const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']

for (const release of RELEASES) {
  test(`${release}: Windows Tools announce themselves at every start, and suggest only what is not there`, async (t) => {
    const { simulator, act } = await begin(t, release)
    const home = simulator.host.qubes.get('win10-home')
    const template = simulator.host.qubes.get('win11-template')
    assert.ok(home && template)
    assert.equal(act('admin.vm.feature.Remove+audio-model', 'win11-template'), '0|')
    assert.equal(act('admin.vm.feature.Set+stubdom-qrexec', 'win11-template', ''), '0|')
    assert.equal(act('admin.vm.property.Set+qrexec_timeout', 'win11-template', '7200'), '0|')
    assert.equal(act('admin.vm.Start', 'win11-template'), '0|')
    assert.equal(template.features.get('audio-model'), 'ich6', 'a removed feature comes back')
    assert.equal(template.features.get('stubdom-qrexec'), '', 'one that is off stays off')
    assert.equal(template.features.get('rpc-clipboard'), '1')
    assert.equal(template.properties.get('qrexec_timeout'), 6000, 'the timeout is overwritten each time')
    assert.equal(act('admin.vm.Start', 'win10-home'), '0|')
    assert.equal(home.features.has('rpc-clipboard'), false, 'no Tools, no announcement')
    simulator.notifyTools('win10-home')
    assert.equal(home.features.get('rpc-clipboard'), '1')
    assert.equal(home.features.get('audio-model'), '')
    assert.equal(act('admin.vm.Start', 'win11-office'), '0|')
    simulator.notifyTools('win11-office')
    assert.deepEqual(
      [...(simulator.host.qubes.get('win11-office')?.features ?? [])],
      [],
      'a template is asked instead',
    )
  })

  test(`${release}: a change of the template reaches the children that have no value of their own`, async (t) => {
    const { act, heard } = await begin(t, release)
    act('admin.vm.property.Set+memory', 'win11-office', '6000')
    assert.equal(act('admin.vm.property.Set+memory', 'win11-template', '7000'), '0|')
    assert.deepEqual(heard(), [
      'win11-template property-pre-set:memory',
      'win11-untrusted property-reset:memory',
      'win11-template property-set:memory',
    ])
    assert.equal(act('admin.vm.property.Get+memory', 'win11-untrusted'), '0|default=True type=int 7000')
    assert.equal(act('admin.vm.property.Get+memory', 'win11-office'), '0|default=False type=int 6000')
    assert.equal(act('admin.vm.feature.CheckWithTemplate+uefi', 'win11-office'), '0|1')
  })

  test(`${release}: the tag of the audio qube follows the property, before the event about it`, async (t) => {
    const { act, heard } = await begin(t, release)
    assert.equal(act('admin.vm.property.Set+audiovm', 'win7-oem', 'sys-audio'), '0|')
    assert.deepEqual(heard(), [
      'win7-oem property-pre-set:audiovm',
      'win7-oem domain-tag-delete:audiovm-dom0',
      'win7-oem domain-tag-add:audiovm-sys-audio',
      'win7-oem property-set:audiovm',
    ])
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
    const refusal = `2|QubesVMInUseError||There are running VMs using this VM as AudioVM: win7-oem|`
    assert.equal(act('admin.vm.Shutdown', 'sys-audio'), refusal)
    assert.deepEqual(heard(), ['sys-audio domain-pre-shutdown', 'sys-audio domain-shutdown-failed'])
    assert.equal(act('admin.vm.Shutdown+force', 'sys-audio'), '0|')
  })

  test(`${release}: a network is not shut down under those who use it, and has no loops`, async (t) => {
    const { act } = await begin(t, release)
    assert.equal(
      act('admin.vm.Shutdown', 'sys-net'),
      '2|QubesVMInUseError||There are other VMs connected to this VM: sys-firewall|',
    )
    assert.equal(
      act('admin.vm.property.Set+netvm', 'sys-net', 'sys-firewall'),
      '2|QubesValueError||Loops in network are unsupported|',
    )
    assert.match(
      act('admin.vm.property.Set+provides_network', 'sys-net', 'False'),
      /The qube is still used by other qubes/,
    )
  })

  test(`${release}: a qube that another refers to is not removed`, async (t) => {
    const { act } = await begin(t, release)
    assert.match(
      act('admin.vm.Remove', 'win11-template'),
      /^2[|]QubesVMInUseError[|][|]Domain is in use: 'win11-template'/,
    )
    for (const name of ['win11-office', 'win11-untrusted', 'win11-template']) {
      assert.equal(act('admin.vm.Remove', name), '0|', name)
    }
    assert.match(act('admin.vm.Remove', 'dom0'), /'dom0' cannot be removed/)
  })
}

test('4.4 does not change the memory limit of a running qube, and does not say why', async (t) => {
  const { act } = await begin(t, '4.4')
  assert.equal(act('admin.vm.property.Set+maxmem', 'win10-work', '4000'), '')
  assert.equal(act('admin.vm.property.Set+maxmem', 'win10-work', '0'), '0|')
  assert.equal(act('admin.vm.property.Set+maxmem', 'win10-home', '4000'), '0|')
})

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: assigned devices are attached at start, the most specific assignment first`, async (t) => {
    const { act, heard } = await begin(t, release)
    const stick = '0781:5581:STICK0003:u080650'
    const assign = (arg: string, payload: string) =>
      act(`admin.vm.device.usb.Assign+sys-usb+${arg}`, 'win7-oem', payload)
    assert.equal(assign(`_:${stick}`, "mode='ask-to-attach'"), '0|')
    assert.equal(assign('3-1:_', "mode='auto-attach'"), '0|')
    assert.equal(assign('9-9:_', "mode='auto-attach'"), '0|')
    assert.equal(act('admin.vm.Start', 'win7-oem'), '0|')
    assert.deepEqual(heard(), [
      'win7-oem domain-pre-start',
      'win7-oem domain-start',
      'win7-oem device-attach:usb',
    ])
    assert.match(act('admin.vm.device.usb.Attached', 'win7-oem'), /^0[|]sys-usb[+]3-1:0781/)
    assert.equal(act('admin.vm.Shutdown', 'win7-oem'), '0|')
    assert.equal(act('admin.vm.device.usb.Attached', 'win7-oem'), '0|')
    assert.equal(assign('8-8:_', "mode='required'"), '0|')
    assert.equal(
      act('admin.vm.Start', 'win7-oem'),
      '2|QubesException||Usb device sys-usb:8-8:* not available|',
    )
  })

  test(`${release}: an assignment that fails late has been entered all the same`, async (t) => {
    const { act } = await begin(t, release)
    const answer = act('admin.vm.device.usb.Assign+sys-usb+3-1:*', 'win7-oem', "mode='auto-attach' _x='1'")
    assert.equal(answer, '2|QubesException||USB device assignment does not support user options|')
    assert.match(act('admin.vm.device.usb.Assigned', 'win7-oem'), /_x='1'\n$/)
  })
}

test('a listener of one qube hears of no other, and one that is not dom0 hears of nothing', async (t) => {
  const { simulator, act } = await begin(t, '4.3')
  const one = await listen(simulator.socket, request('admin.Events', 'win7-oem'))
  const stranger = await listen(simulator.socket, Buffer.from('admin.Events mgmt name dom0\0'))
  act('admin.vm.tag.Set+a', 'win10-home')
  act('admin.vm.tag.Set+b', 'win7-oem')
  // Closing ends both streams, after all that was sent on them.
  await simulator.close()
  assert.deepEqual(await one(), ['connection-established', 'domain-tag-add:b'])
  assert.deepEqual(await stranger(), ['connection-established'])
})

/** Resolves once a stream has begun; then gives the names of its events, to its end. */
async function listen(socket: string, bytes: Buffer): Promise<() => Promise<string[]>> {
  const connection = connect({ path: socket, allowHalfOpen: true })
  let received = Buffer.alloc(0)
  connection.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
  })
  const first = new Promise((resolve) => connection.once('data', resolve))
  const closed = new Promise((resolve) => connection.once('close', resolve))
  connection.end(bytes)
  await first
  return async () => {
    await closed
    const decoded = decodeEvents(received)
    assert.ok('events' in decoded)
    return decoded.events.map((event) => event.name)
  }
}

for (const release of RELEASES) {
  test(`${release}: a host has labels of its own, by any letters but digits alone`, async (t) => {
    const { simulator, act } = await begin(t, release)
    const strict = release === '4.4'
    assert.equal(act('admin.label.Create+1st.', 'dom0', '0x0080fF'), '0|')
    assert.equal(act('admin.label.Get+1st.', 'dom0'), '0|0x0080fF')
    assert.equal(act('admin.label.Index+1st.', 'dom0'), '0|9')
    assert.match(act('admin.label.List', 'dom0'), /^0\|red\n.*black\n1st\.\n$/s)
    assert.equal(act('admin.vm.property.Set+label', 'win10-home', '9'), '0|')
    assert.match(act('admin.vm.property.Get+label', 'win10-home'), / 1st\.$/)
    assert.equal(act('admin.vm.property.Set+label', 'win10-home', 'label-1'), '0|')
    assert.match(act('admin.vm.property.Get+label', 'win10-home'), / red$/)
    assert.equal(act('admin.vm.Create.StandaloneVM', 'dom0', 'name=new label=1st.'), '0|')
    for (const [name, color] of [
      ['12', '0x000000'],
      ['a b', '0x000000'],
      ['new', 'red'],
      ['new', '0x12345g'],
    ] as const) {
      const answer = act(`admin.label.Create+${name}`, 'dom0', color)
      assert.match(answer, strict && name !== 'a b' ? /^2\|QubesInvalidLabel/ : /^$/, name + color)
    }
    assert.match(act('admin.label.Create+red', 'dom0', '0x000000'), strict ? /LabelInUse/ : /already exists/)
    assert.deepEqual(toFixture(simulator.host, (_qube, _name, value) => String(value)).labels, {
      '1st.': '0x0080fF',
    })
  })
}

test('the default host is one that could be', async (t) => {
  const { act } = await begin(t, '4.3')
  const names = defaultFixture().qubes.map((qube) => qube.name)
  for (const name of [
    'win7-oem',
    'win10-work',
    'win10-home',
    'win11-template',
    'live-linux',
    'sys-usb',
    'mgmt',
  ]) {
    assert.ok(names.includes(name), name)
  }
  assert.match(act('admin.vm.property.Get+netvm', 'win10-work'), / type=vm sys-firewall$/)
  assert.match(act('admin.vm.property.Get+virt_mode', 'win11-office'), /default=True type=str hvm$/)
  assert.equal(act('admin.vm.device.usb.Available', 'sys-usb').split('\n').length, 5)
})

test('the tree of dom0 has valid tables, and keeps what is there', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'qstate-dom0-'))
  t.after(() => {
    rmSync(dir, { recursive: true })
  })
  makeDom0Tree(dir)
  const tables = join(dir, 'sys/firmware/acpi/tables')
  const slic = readFileSync(join(tables, 'SLIC'))
  assert.equal(slic.length, 374)
  checkTable(slic, 'SLIC')
  assert.deepEqual([slic.readUInt32LE(36), slic.readUInt32LE(40)], [0, 156])
  assert.deepEqual([slic.readUInt32LE(192), slic.readUInt32LE(196)], [1, 182])
  assert.equal(slic.readUInt32LE(200), 0x0002_0001)
  assert.equal(
    slic.toString('latin1', 204, 218),
    slic.toString('latin1', 10, 24),
    'the marker repeats the OEM ids',
  )
  assert.equal(slic.toString('latin1', 218, 226), 'WINDOWS ')
  const msdm = readFileSync(join(tables, 'MSDM'))
  assert.equal(msdm.length, 85)
  checkTable(msdm, 'MSDM')
  assert.deepEqual(readdirSync(join(dir, 'etc/qubes/templates/libvirt/xen/by-name')), [])
  const template = join(dir, 'usr/share/qubes/templates/libvirt/xen.xml')
  assert.match(readFileSync(template, 'utf8'), /{% block os %}/)
  writeFileSync(template, 'mine')
  makeDom0Tree(dir)
  assert.equal(readFileSync(template, 'utf8'), 'mine')
})

function checkTable(table: Buffer, signature: string): void {
  assert.equal(table.toString('latin1', 0, 4), signature)
  assert.equal(table.readUInt32LE(4), table.length)
  assert.equal(table.reduce((sum, byte) => sum + byte, 0) % 256, 0)
}
