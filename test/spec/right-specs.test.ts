import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'
import { BUILT_IN_PROFILES } from '../../spec/read/profiles.ts'
import { desiredOf, HEAD, settingsOf, settingsOfBody, source } from './manifests.ts'

test('every area comes to settings with the paths of a state document', () => {
  const state = desiredOf([
    source(`${HEAD}name: office
devices:
  headset: { backend: sys-usb, port: 2-2.1, identity: "0b0e:0412:0023A1B2:u010100u030000" }
  stick: sys-usb+3-1:*
  key: { backend: sys-usb, identity: "1050:0407::u030101" }
qubes:
  win:
    slic: host
    audio: { model: ich6, audiovm: sys-audio, timerPeriod: 1000 }
    stubdom: { qrexec: true, linux: true, memory: 200, qemuExtraArgs: -usb, videoModel: cirrus }
    usb:
      headset: auto-attach
      stick: { mode: ask-to-attach }
      key: required
      "sys-usb+*:1050:0407::u080650": off
      denied: [u0e0***, "u080650"]
    qube:
      memory: 6144
      maxmem: 0
      vcpus: 4
      kernel: off
      virtMode: hvm
      qrexecTimeout: 7200
      defaultUser: alice
      netvm: sys-firewall
      label: red
      autostart: false
      debug: true
      timezone: localtime
      noMonitorLayout: true
      gui: off
      features: { any-feature: value, flag: true, unset: false, count: 12, half: 1.5 }
      properties: { default_dispvm: "", template_for_dispvms: true, provides_network: false, backup_timestamp: 12 }
    tags: [windows]
`),
  ])
  assert.equal(state.name, 'office')
  assert.deepEqual(settingsOf(state), {
    'audio/audiovm': 'sys-audio',
    'audio/model': 'ich6',
    'audio/timerPeriod': 1000,
    'qube/autostart': false,
    'qube/debug': true,
    'qube/defaultUser': 'alice',
    'qube/features/any-feature': 'value',
    'qube/features/count': '12',
    'qube/features/flag': '1',
    'qube/features/gui': '',
    'qube/features/half': '1.5',
    'qube/features/no-monitor-layout': '1',
    'qube/features/timezone': 'localtime',
    'qube/features/unset': '',
    'qube/kernel': '',
    'qube/label': 'red',
    'qube/maxmem': 0,
    'qube/memory': 6144,
    'qube/netvm': 'sys-firewall',
    'qube/properties/backup_timestamp': '12',
    'qube/properties/default_dispvm': '',
    'qube/properties/provides_network': 'False',
    'qube/properties/template_for_dispvms': 'True',
    'qube/qrexecTimeout': 7200,
    'qube/vcpus': 4,
    'qube/virtMode': 'hvm',
    'slic/tables': ['host:SLIC'],
    'stubdom/linux': true,
    'stubdom/memory': 200,
    'stubdom/qemuExtraArgs': '-usb',
    'stubdom/qrexec': true,
    'stubdom/videoModel': 'cirrus',
    'tags/windows': true,
    'usb/denied/u080650': true,
    'usb/denied/u0e0***': true,
    'usb/sys-usb+*:1050:0407::u030101': { mode: 'required' },
    'usb/sys-usb+*:1050:0407::u080650': null,
    'usb/sys-usb+2-2.1:0b0e:0412:0023A1B2:u010100u030000': { mode: 'auto-attach' },
    'usb/sys-usb+3-1:*': { mode: 'ask-to-attach' },
  })
})

test('a word alone is the audio model', () => {
  assert.deepEqual(settingsOfBody('audio: ich6'), { 'audio/model': 'ich6' })
  assert.deepEqual(settingsOfBody('audio: off'), { 'audio/model': '' })
})

test('a label may be one of the host’s own', () => {
  for (const label of ['red', 'Work.Red-2', 'X_1', '1st', '-', '.x', 'x'.repeat(60)])
    assert.deepEqual(settingsOfBody(`qube: { label: "${label}" }`), { 'qube/label': label })
})

test('a tag may be any that Qubes takes', () => {
  const tags = ['2024', '007', '1e3', '-', '-x', '---', '_', 'no', 'null', 'x'.repeat(300)]
  const wanted = Object.fromEntries(tags.map((tag) => [`tags/${tag}`, true]))
  assert.deepEqual(settingsOfBody(`tags: ${JSON.stringify(tags)}`), wanted)
  assert.deepEqual(
    settingsOfBody(`tags: { ${tags.map((tag) => `${JSON.stringify(tag)}: true`).join(', ')} }`),
    wanted,
  )
})

test('off is the off of each setting', () => {
  assert.deepEqual(
    settingsOfBody(
      `
slic: off
audio: { model: off, audiovm: off, latency: off }
stubdom: { qrexec: off, qemuExtraArgs: off }
qube: { maxmem: off, kernel: off, netvm: off, debug: off, uefi: off, features: { any: off } }
tags: { old: off }
usb: { "sys-usb+2-1:*": off, denied: { u080650: off, u03****: true } }`,
    ),
    {
      'audio/audiovm': '',
      'audio/latency': '',
      'audio/model': '',
      'qube/debug': false,
      'qube/features/any': '',
      'qube/features/uefi': '',
      'qube/kernel': '',
      'qube/maxmem': 0,
      'qube/netvm': '',
      'slic/tables': [],
      'stubdom/qemuExtraArgs': '',
      'stubdom/qrexec': false,
      'tags/old': null,
      'usb/denied/u03****': true,
      'usb/denied/u080650': null,
      'usb/sys-usb+2-1:*': null,
    },
  )
})

test('inherit is absence, of a feature as of a property', () => {
  assert.deepEqual(
    settingsOfBody(`
audio: inherit
qube: { memory: inherit, defaultUser: inherit, features: { any: inherit }, properties: { default_dispvm: inherit } }`),
    {
      'audio/model': null,
      'qube/defaultUser': null,
      'qube/features/any': null,
      'qube/memory': null,
      'qube/properties/default_dispvm': null,
    },
  )
})

test('unmanaged takes a profile’s word back, whatever the area', () => {
  const body = `
profiles:
  base:
    extends: windows-10
    slic: { tables: [host:MSDM] }
    usb: { "sys-usb+2-1:*": auto-attach, denied: [u080650] }
    tags: [office]
    qube: { features: { any: x }, properties: { some: z } }
qubes:
  win:
    extends: base
    slic: unmanaged
    audio: unmanaged
    stubdom: { qrexec: unmanaged }
    usb: { "sys-usb+2-1:*": unmanaged, denied: { u080650: unmanaged } }
    tags: { office: unmanaged }
    qube:
      memory: unmanaged
      timezone: unmanaged
      features: { any: unmanaged }
      properties: { some: unmanaged }
`
  assert.deepEqual(settingsOf(desiredOf([source(HEAD + body)])), {
    'qube/features/no-monitor-layout': '1',
    'qube/kernel': '',
    'qube/maxmem': 0,
    'qube/qrexecTimeout': 6000,
    'qube/virtMode': 'hvm',
  })
})

test('a text that is a word of the language has a written form', () => {
  assert.deepEqual(
    settingsOfBody(`
stubdom: { qemuExtraArgs: { value: "off" } }
qube: { defaultUser: { value: inherit }, features: { a: { value: unmanaged } }, properties: { b: { value: "off" } } }`),
    {
      'qube/defaultUser': 'inherit',
      'qube/features/a': 'unmanaged',
      'qube/properties/b': 'off',
      'stubdom/qemuExtraArgs': 'off',
    },
  )
})

test('a quoted text is what it says', () => {
  assert.deepEqual(
    settingsOfBody(
      `qube: { features: { a: "yes", b: "0755", c: "1_000", d: "2024-01-31", e: "true", f: "" } }`,
    ),
    {
      'qube/features/a': 'yes',
      'qube/features/b': '0755',
      'qube/features/c': '1_000',
      'qube/features/d': '2024-01-31',
      'qube/features/e': 'true',
      'qube/features/f': '',
    },
  )
})

test('a timezone may be a plain number', () => {
  assert.deepEqual(settingsOfBody('qube: { timezone: -3600 }'), { 'qube/features/timezone': '-3600' })
})

test('a feature or property with a setting of its own goes by that', () => {
  assert.deepEqual(
    settingsOfBody(`
qube:
  features: { audio-model: ich6, stubdom-qrexec: true, linux-stubdom: true, timezone: "0", gui: true }
  properties: { virt_mode: hvm, audiovm: dom0, memory: 4096, debug: false }`),
    {
      'audio/audiovm': 'dom0',
      'audio/model': 'ich6',
      'qube/debug': false,
      'qube/features/gui': '1',
      'qube/features/timezone': '0',
      'qube/memory': 4096,
      'qube/virtMode': 'hvm',
      'stubdom/linux': true,
      'stubdom/qrexec': true,
    },
  )
})

test('a list of devices attaches them by themselves', () => {
  assert.deepEqual(
    settingsOfBody('stubdom: { qrexec: true }\nusb: ["sys-usb+2-1:*", "sys-usb+*:046d:085b::u0e0100"]'),
    {
      'stubdom/qrexec': true,
      'usb/sys-usb+*:046d:085b::u0e0100': { mode: 'auto-attach' },
      'usb/sys-usb+2-1:*': { mode: 'auto-attach' },
    },
  )
})

test('tables keep their order, and the bytes of files come along', () => {
  const bytes = Buffer.from('a table')
  const digest = createHash('sha256').update(bytes).digest('hex')
  const asked: string[] = []
  const text = `${HEAD}qubes:
  a: { slic: { tables: [{ file: ./t.bin, sha256: ${digest} }, host:SLIC] } }
  b: { slic: { file: ./t.bin, sha256: ${digest} } }
`
  const readTable = (path: string, from: string): Buffer => {
    asked.push(`${path} of ${from}`)
    return bytes
  }
  const state = desiredOf([source(text, 'x/spec.yaml')], undefined, { readTable })
  assert.deepEqual(settingsOf(state, 'a'), { 'slic/tables': [`file:${digest}`, 'host:SLIC'] })
  assert.deepEqual(settingsOf(state, 'b'), { 'slic/tables': [`file:${digest}`] })
  assert.deepEqual([...state.tables], [[digest, bytes]])
  assert.deepEqual(asked, ['./t.bin of x/spec.yaml'], 'a file is read once')
})

test('the built-in profiles say what a Windows qube needs', () => {
  assert.deepEqual(Object.keys(BUILT_IN_PROFILES), ['hvm', 'windows-7', 'windows-10', 'windows-11'])
  assert.deepEqual(settingsOfBody('extends: hvm'), {
    'qube/kernel': '',
    'qube/maxmem': 0,
    'qube/virtMode': 'hvm',
  })
  const windows = {
    'audio/model': 'ich6',
    'qube/features/no-monitor-layout': '1',
    'qube/features/timezone': 'localtime',
    'qube/kernel': '',
    'qube/maxmem': 0,
    'qube/memory': 4096,
    'qube/qrexecTimeout': 6000,
    'qube/virtMode': 'hvm',
    'stubdom/qrexec': true,
  }
  assert.deepEqual(settingsOfBody('extends: windows-7'), windows)
  assert.deepEqual(settingsOfBody('extends: windows-10'), windows)
  assert.deepEqual(settingsOfBody('extends: [windows-11]'), { ...windows, 'qube/memory': 8192 })
})

test('built-in profiles are sound by the rules for written ones', () => {
  const profiles = Object.entries(BUILT_IN_PROFILES).map(([name, body]) => [`own-${name}`, body])
  const text = JSON.stringify({
    apiVersion: 'qstate/v1',
    profiles: Object.fromEntries(profiles) as unknown,
    qubes: { win: { extends: profiles.map(([name]) => name) } },
  })
  assert.deepEqual(loadManifest([source(text)]).diagnostics, [])
})

test('empty documents, empty qubes and files without qubes are fine', () => {
  const state = desiredOf([
    source('---\n---\n' + HEAD),
    source(`${HEAD}qubes: { win: {} }`, 'b.yaml'),
    source('', 'c.yaml'),
  ])
  assert.deepEqual([...state.qubes.keys()], ['win'])
  assert.deepEqual(settingsOf(state), {})
})

test('features may have names that every JavaScript object has', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    const path = `qube/features/${name}`
    assert.deepEqual(Object.entries(settingsOfBody(`qube: { features: { ${name}: "1" } }`)), [[path, '1']])
  }
})
