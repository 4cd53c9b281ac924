import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type HostFixture, parseFixture } from '../../simulator/host/fixture.ts'
import { defaultFixture, type Simulator } from '../../simulator/index.ts'
import { type Fault } from '../../simulator/wire/faults.ts'
import { checkSettles, HEADSET, RELEASES, WEBCAM, withHost } from './import-host.ts'
import { isCode } from '../../spec/diagnostics/codes.ts'
import { type Problem } from '../../spec/diagnostics/problem.ts'
import { ROOT } from './run-cli.ts'

/** The default host with more said about one of its qubes. */
function withQube(
  name: string,
  more: {
    readonly features?: Record<string, string>
    readonly properties?: Record<string, string>
    readonly tags?: string[]
  },
  fixture: HostFixture = defaultFixture(),
): HostFixture {
  return {
    ...fixture,
    qubes: fixture.qubes.map((qube) =>
      qube.name !== name
        ? qube
        : {
            ...qube,
            features: { ...qube.features, ...more.features },
            properties: { ...qube.properties, ...more.properties },
            tags: [...qube.tags, ...(more.tags ?? [])],
          },
    ),
  }
}

function assigned(
  list: readonly (readonly [qube: string, port: string, device: string, mode: string])[],
  fixture: HostFixture = defaultFixture(),
): HostFixture {
  const assignments = list.map(([qube, port_id, device_id, mode]) => ({
    qube,
    backend: 'sys-usb',
    port_id,
    device_id,
    mode,
    frontend_domain: qube,
    options: {},
  }))
  return { ...fixture, assignments }
}

const body = (yaml: string): string => yaml.slice(yaml.indexOf('apiVersion'))

test('the default host reads as a person would have written it', async (t) => {
  const host = await withHost(t)
  const { out, err } = await host.qstate('import')
  assert.equal(
    out,
    `# yaml-language-server: $schema=qstate.schema.json
# Written by \`qstate import\`. The schema, for editors: qstate schema > qstate.schema.json
apiVersion: qstate/v1

qubes:
  live-linux:
    qube: { memory: 2048, kernel: off, virtMode: hvm }

  win7-oem:
    extends: hvm
    qube: { memory: 4096, netvm: off }
    tags: [windows]

  win10-home:
    extends: hvm
    audio: off
    qube: { memory: 4096 }
    tags: [windows]

  win10-work:
    extends: hvm
    audio: ich6
    stubdom: { qrexec: true }
    qube: { memory: 8192, qrexecTimeout: 6000 }
    tags: [windows, work]

  win11-office:
    tags: [windows, work]

  win11-template:
    extends: hvm
    audio: ich6
    stubdom: { qrexec: true }
    qube: { memory: 8192, qrexecTimeout: 6000, uefi: true }
    tags: [windows]

  win11-untrusted:
    tags: [windows]
`,
  )
  assert.match(err, /^7 of 13 qubes are HVM\n\d+ settings of guest and host/)
  await checkSettles(host, out)
})

for (const release of RELEASES) {
  for (const path of ['test/transcripts/fixture.json', 'examples/hosts/office.json', null]) {
    test(`${path ?? 'the default host'} settles on ${release}, and importing again gives the same bytes`, async (t) => {
      const fixture =
        path === null ? defaultFixture() : parseFixture(JSON.parse(readFileSync(join(ROOT, path), 'utf8')))
      const host = await withHost(t, fixture, release)
      for (const flags of [[], ['--all']]) {
        const yaml = await host.imported(...flags)
        await checkSettles(host, yaml)
        assert.equal(await host.imported(...flags), yaml)
      }
    })
  }
}

test('a profile of the Windows that the name says is used where little has to be taken back', async (t) => {
  const tools = {
    features: { timezone: 'localtime', 'no-monitor-layout': '1', 'rpc-clipboard': '1' },
    properties: { default_user: 'alice' },
  }
  const host = await withHost(t, withQube('win10-work', tools))
  assert.equal(
    body(await host.imported('win10-work')),
    `apiVersion: qstate/v1

qubes:
  win10-work:
    extends: windows-10
    qube: { memory: 8192, defaultUser: alice }
    tags: [windows, work]
`,
  )
  const almost = await withHost(t, withQube('win11-template', { features: { timezone: 'localtime' } }))
  const yaml = await almost.imported('win11-template')
  assert.match(yaml, /extends: windows-11\n {4}qube: \{ noMonitorLayout: unmanaged, uefi: true \}/)
  await checkSettles(almost, yaml)
})

test('what several qubes say alike becomes a profile, named after them', async (t) => {
  const fixture = defaultFixture()
  const model = fixture.qubes.find(({ name }) => name === 'win10-home')!
  const copies = ['a', 'b', 'c', 'd', 'e'].map((letter, index) => ({
    ...model,
    name: `desk-${letter}`,
    uuid: model.uuid.replace(/..$/, String(50 + index)),
    properties: {
      ...model.properties,
      name: `desk-${letter}`,
      qid: String(50 + index),
      uuid: model.uuid.replace(/..$/, String(50 + index)),
      default_user: letter,
      vcpus: '4',
    },
  }))
  const host = await withHost(t, { ...fixture, qubes: [...fixture.qubes, ...copies] })
  const yaml = await host.imported('desk-e', 'desk-a', 'desk-b', 'desk-c', 'desk-d')
  assert.match(
    yaml,
    /profiles:\n {2}desk:\n {4}extends: hvm\n {4}audio: off\n {4}qube: \{ memory: 4096, vcpus: 4 \}\n {4}tags: \[windows\]\n/,
  )
  assert.match(yaml, /qubes:\n {2}desk-a:\n {4}extends: desk\n {4}qube: \{ defaultUser: a \}\n/)
  await checkSettles(host, yaml)
})

test('USB devices get the names that they call themselves', async (t) => {
  const host = await withHost(
    t,
    assigned([
      ['win10-work', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
      ['win10-work', '*', HEADSET.device_id, 'ask-to-attach'],
      ['win10-home', '*', HEADSET.device_id, 'ask-to-attach'],
      ['win10-home', '3-1', '*', 'required'],
      ['win7-oem', '7-1.2', '*', 'auto-attach'],
      ['win11-template', '*', '1234:5678::u030101', 'ask-to-attach'],
    ]),
  )
  const yaml = await host.imported()
  assert.match(
    yaml,
    /devices:\n {2}# GN Netcom Jabra EVOLVE 20 MS\n {2}gn-netcom-jabra-evolve-2:\n {4}backend: sys-usb\n {4}identity: "0b0e:0300:HEAD0002:/,
  )
  assert.match(
    yaml,
    /# whatever is on this port; now SanDisk Corp\. Ultra\n {2}sandisk-corp-ultra: \{ backend: sys-usb, port: "3-1" \}/,
  )
  assert.match(yaml, /# whatever is on this port\n {2}port-7-1-2: \{ backend: sys-usb, port: "7-1\.2" \}/)
  assert.match(yaml, /usb-1234-5678: \{ backend: sys-usb, identity: "1234:5678::u030101" \}/)
  assert.match(yaml, /usb: \[port-7-1-2\]/)
  await checkSettles(host, yaml)
})

test('of two qubes that take one device by themselves, one has it as a comment', async (t) => {
  const host = await withHost(
    t,
    assigned([
      ['win10-home', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
      ['win10-work', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
      ['win7-oem', HEADSET.port_id, '*', 'auto-attach'],
      ['win10-home', '*', HEADSET.device_id, 'required'],
    ]),
  )
  const { out, err } = await host.qstate('import')
  assert.match(
    out,
    / {4}# usb: \[logitech-inc-webcam-c930\]\n {4}# +left out: win10-work and win10-home both take/,
  )
  assert.match(out, /make(?:\n {4}#)? +one of the two(?:\n {4}#)? +ask-to-attach/)
  // A port and an identity meet only while that device is in that port.
  assert.match(out, /usb: \{ gn-netcom-jabra-evolve-2: required, logitech-inc-webcam-c930: auto-attach \}/)
  assert.match(err, /1 thing could not be read or said/)
  await checkSettles(host, out)
})

const REFUSED: readonly {
  readonly what: string
  readonly more: Parameters<typeof withQube>[1]
  readonly comment: RegExp
}[] = [
  {
    what: 'an audio model that keeps the qube from starting',
    more: { features: { 'audio-model': 'ich9' } },
    comment: /# audio: ich9\n {4}# +left out: unknown audio model "ich9" \(ich6 is what works/,
  },
  {
    what: 'an audio model that nobody knows',
    more: { features: { 'audio-model': 'banana' } },
    comment: /# audio: banana\n/,
  },
  {
    what: 'a model that looks like a number',
    more: { features: { 'audio-model': '0' } },
    comment: /# audio: "0"\n {4}# +left out: unknown audio model/,
  },
  {
    what: 'a value with a line end and a bell in it',
    more: { features: { note: 'one\ntwo\u0007' } },
    comment:
      /# qube: \{ features: \{ note: "one\\ntwo\\u0007" \} \}\n {4}# +left out: the text holds a character/,
  },
  {
    what: 'a value beyond ASCII',
    more: { features: { note: 'Bücher' } },
    comment: /# qube: \{ features: \{ note: "B\\u/,
  },
  {
    what: 'a timezone that Qubes takes for UTC',
    more: { features: { timezone: '+3600' } },
    comment: /# qube: \{ timezone: "\+3600" \}\n {4}# +left out: "\+3600" is not a timezone/,
  },
  {
    what: 'a switch with an odd text',
    more: { features: { uefi: '0' } },
    comment: /# qube: \{ uefi: "0" \}\n/,
  },
  {
    what: 'a tag that JavaScript takes for something else',
    more: { tags: ['__proto__'] },
    comment: /# tags\.__proto__ of win10-work left out: "__proto__" is not a tag/,
  },
  {
    what: 'a number that is none',
    more: { features: { 'timer-period': 'fast' } },
    comment: /# audio: \{ timerPeriod: fast \}\n {4}# +left out: expected a whole number/,
  },
  {
    what: 'a kernel that is no name of a folder',
    more: { properties: { kernel: 'a b' } },
    comment: /# qube: \{ kernel: "a b" \}\n {4}# +left out: "a b" is not the name of a kernel/,
  },
]

for (const { what, more, comment } of REFUSED) {
  test(`${what} is a comment with the reason`, async (t) => {
    const host = await withHost(t, withQube('win10-work', more))
    const yaml = await host.imported('win10-work')
    assert.match(yaml, comment)
    await checkSettles(host, yaml)
    const { left_out } = JSON.parse(await host.imported('win10-work', '--json')) as {
      left_out: { qube: string; path: string; problem: Problem }[]
    }
    assert.equal(left_out.length, 1)
    assert.equal(left_out[0]?.qube, 'win10-work')
    assert.ok(isCode(left_out[0].problem.code), left_out[0].problem.code)
  })
}

test('values that look like words of a spec keep their meaning', async (t) => {
  const features = {
    a: 'off',
    b: 'inherit',
    c: 'unmanaged',
    d: 'yes',
    e: 'null',
    f: '0x10',
    g: '1_000',
    h: '12:30',
    i: '-0',
    j: '007',
    k: '1e3',
    l: 'true',
    m: ' x ',
    n: '"',
    o: '{a}',
    p: '#',
    q: '',
    r: '5',
    s: '\\',
    true: '1',
    '1e3': 'x',
    '-': '-',
    constructor: '~',
  }
  const tags = ['yes', 'null', '_', 'n', '2024', '007', '-', '---', '-1', '1e3', '2024-01-31']
  const host = await withHost(t, withQube('win10-work', { features, tags }))
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /a: \{ value: "off" \}/)
  assert.doesNotMatch(yaml, /left out/)
  await checkSettles(host, yaml)
})

for (const release of RELEASES) {
  test(`a label of the host’s own is imported from ${release}, and set`, async (t) => {
    const host = await withHost(t, defaultFixture(), release)
    const long = `1st.${'x'.repeat(60)}`
    for (const label of [long, 'label-x'])
      host.simulator.act(Buffer.from(`admin.label.Create+${label} dom0 name dom0\0` + '0x123456'))
    host.simulator.act(Buffer.from(`admin.vm.property.Set+label dom0 name win10-work\0${long}`))
    host.simulator.act(Buffer.from('admin.vm.property.Set+label dom0 name win10-home\0' + '10'))
    const yaml = await host.imported('--all', 'win10-work', 'win10-home')
    assert.match(yaml, new RegExp(`label: "${long}"`))
    assert.match(yaml, /# qube: \{ label: label-x \}\n {4}# +left out: "label-x" is not a label/)
    await checkSettles(host, yaml)
  })
}

test('settings that exclude each other on a host are sorted out', async (t) => {
  const fixture = withQube('win10-work', {
    properties: { virt_mode: 'pvh', maxmem: '4096' },
  })
  const host = await withHost(t, assigned([['win10-work', '2-1', '*', 'auto-attach']], fixture))
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /# audio: ich6\n {4}# +left out: an audio model needs virtMode hvm/)
  assert.match(yaml, /memory: 8192 \}\n {4}# +left out: memory 8192 is more than maxmem/)
  await checkSettles(host, yaml)
})

test('what guest and host keep for themselves comes with --all only', async (t) => {
  const more = {
    features: {
      'supported-service.x': '1',
      'service.y': '1',
      'menu-items': 'a b',
      gui: '1',
      'os-version': '10',
      'vm-config.z': 'kept',
      'gui-emulated': '1',
    },
    properties: { autostart: 'True', debug: 'True', keyboard_layout: 'de++' },
    tags: ['created-by-mgmt'],
  }
  const host = await withHost(t, withQube('win10-work', more))
  const clean = await host.imported('win10-work')
  assert.doesNotMatch(clean, /supported|service|menu|gui:|os|autostart|debug|label|audiovm|created/)
  assert.match(clean, /guiEmulated: true/)
  assert.match(clean, /vm-config\.z: kept/)
  assert.match(clean, /keyboard_layout: "de\+\+"/)
  const all = await host.imported('win10-work', '--all')
  for (const word of [
    'supported-service.x',
    'service.y',
    'menu-items',
    'gui: true',
    'autostart: true',
    'debug: true',
  ])
    assert.ok(all.includes(word), word)
  assert.doesNotMatch(all, /audiovm|created-by|uuid|left out/, 'what no spec may say is not worth a word')
  await checkSettles(host, clean)
})

test('what qstate owns stays in an import, noise or not, and nothing is withdrawn', async (t) => {
  const host = await withHost(t)
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { label: red, debug: true } }\n')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /label: red, debug: true/)
  await checkSettles(host, yaml)
})

test('under a policy that keeps the lists of a qube from it, an import has what qstate owns', async (t) => {
  const host = await withHost(t)
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(
    spec,
    'apiVersion: qstate/v1\nqubes:\n  win10-work:\n    audio: { model: ac97 }\n' +
      '    qube: { memory: 5000, features: { my-note: "7" } }\n    tags: [ours]\n',
  )
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const lists = ['feature.List', 'tag.List', 'property.GetAll', 'device.denied.List']
  host.simulator.setFaults(
    lists.map((name) => ({ match: { method: `admin.vm.${name}` }, do: 'refuse' as const })),
  )
  const yaml = await host.imported('win10-work')
  for (const line of [/audio: ac97/, /memory: 5000/, /my-note: ["']?7/, /tags: \[ours\]/])
    assert.match(yaml, line)
  const plan = await host.planned(yaml)
  assert.deepEqual(
    plan.qubes.flatMap(({ changes, leaves }) => [...changes, ...(leaves ?? [])]),
    [],
  )
  assert.doesNotMatch((await host.qstate('import', 'win10-work')).err, /a plan would remove it/)
})

test('what qstate owns and cannot be read is written as it was last set, and a remark says so', async (t) => {
  const host = await withHost(t)
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { audio: { model: ac97 } }\n')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  host.simulator.setFaults([{ match: { method: 'admin.vm.feature.Get', arg: 'audio-model' }, do: 'refuse' }])
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /^# win10-work: cannot be read now, and written as qstate last set it: audio\/model$/m)
  assert.match(yaml, /audio: ac97/)
  host.simulator.setFaults([])
  await checkSettles(host, yaml)
})

test('a device that qstate gave to one qube is not taken for that of its rival', async (t) => {
  const host = await withHost(
    t,
    assigned([
      ['win10-home', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
      ['win10-work', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
    ]),
  )
  await checkSettles(host, await host.imported('win10-work'))
  const yaml = await host.imported()
  assert.match(yaml, /# usb: \[[^\]]+\]\n {4}# +left out: win10-work takes the device by itself/)
  await checkSettles(host, yaml)
})

test('the name of a configuration is taken over with all of its qubes only', async (t) => {
  const host = await withHost(t)
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(
    spec,
    'apiVersion: qstate/v1\nname: office\nqubes:\n  win10-work: { audio: off }\n  win7-oem: { audio: off }\n',
  )
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const part = await host.imported('win10-work')
  assert.doesNotMatch(part, /^name:/m)
  assert.match(part, /# Owned by other configurations: win10-work \(office\)/)
  const whole = await host.imported()
  assert.match(whole, /^name: office$/m)
  await checkSettles(host, whole)
})

test('SLIC of the host is said in a word; tables from files and foreign templates are comments', async (t) => {
  const host = await withHost(t)
  const folder = join(host.dom0, 'etc/qubes/templates/libvirt/xen/by-name')
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win7-oem: { slic: host }\n')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  writeFileSync(join(folder, 'win10-home.xml'), "{% extends 'libvirt/xen.xml' %}\n")
  const yaml = await host.imported('win7-oem', 'win10-home')
  assert.match(yaml, /win7-oem:\n {4}extends: hvm\n {4}slic: host\n/)
  assert.match(
    yaml,
    /# slic of win10-home left out:\n.*win10-home\.xml[\s#]+was[\s#]+written by someone else/,
  )
  await checkSettles(host, yaml)
  mkdirSync(dirname(folder), { recursive: true })
  const template = readFileSync(join(folder, 'win7-oem.xml'), 'utf8')
  writeFileSync(join(folder, 'win7-oem.xml'), template.replace('super()', 'super( )'))
  const edited = await host.qstate('import', 'win7-oem')
  assert.match(edited.out, /# slic of win7-oem left out: .* changed by hand/)
  assert.match(edited.err, /warning: qstate owns slic\/tables of win7-oem/)
})

test('what policy keeps from us is a comment, said once where it is so for all', async (t) => {
  const faults: Fault[] = [{ match: { method: 'admin.vm.tag.List' }, do: 'refuse' }]
  const host = await withHost(t, defaultFixture(), '4.3', faults)
  const yaml = await host.imported('win7-oem', 'win10-home')
  assert.match(yaml, /qube: \{ memory: 4096, netvm: off \}/)
  assert.match(yaml, /^# tags of all qubes left out: admin\.vm\.tag\.List: /m)
  assert.equal(yaml.split('left out').length, 2)
  const { left_out } = JSON.parse(await host.imported('win7-oem', '--json')) as {
    left_out: { path: string }[]
  }
  assert.deepEqual(
    left_out.map(({ path }) => path),
    ['tags/'],
  )
})

for (const release of RELEASES) {
  test(`a property that qubesd fails over on ${release} is a comment, and the others are there`, async (t) => {
    const host = await withHost(t, defaultFixture(), release)
    loopGuiQubes(host.simulator)
    const yaml = await host.imported('win10-work')
    assert.match(
      yaml,
      /# qube\.properties\.keyboard_layout of win10-work left out:\s+(?:#\s+)?admin\.vm\.property\.Get\+keyboard_layout:/,
    )
    assert.match(yaml, /memory: 8192/)
    assert.match(yaml, /guivm: win10-home/)
    await checkSettles(host, yaml)
    const all = await host.imported()
    assert.match(all, /^ {2}win10-home:/m)
    assert.match(all, /^ {2}win10-work:/m)
  })
}

/** Two GUI qubes that refer to each other send qubesd round in circles over their keyboard layouts. */
function loopGuiQubes(simulator: Simulator): void {
  for (const [qube, guivm] of [
    ['win10-work', 'win10-home'],
    ['win10-home', 'win10-work'],
  ] as const) {
    simulator.act(Buffer.from(`admin.vm.property.Set+guivm dom0 name ${qube}\0${guivm}`))
  }
  const all = simulator.act(Buffer.from('admin.vm.property.GetAll dom0 name win10-work\0'))
  assert.equal(all.length, 0, 'no answer')
}

test('a disposable with a name of its own is imported, one for one use only where it is named', async (t) => {
  const host = await withHost(t)
  const send = (call: string, payload: string): void => {
    host.simulator.act(Buffer.from(`${call}\0${payload}`))
  }
  send('admin.vm.property.Set+template_for_dispvms dom0 name win11-office', 'True')
  send('admin.vm.Create.DispVM+win11-office dom0 name dom0', 'name=disp12 label=red')
  send('admin.vm.Create.DispVM+win11-office dom0 name dom0', 'name=win-disp label=red')
  const yaml = await host.imported()
  assert.match(yaml, /^ {2}win-disp:/m)
  assert.doesNotMatch(yaml, /disp12/)
  await checkSettles(host, yaml)
  assert.match(await host.imported('disp12'), /^ {2}disp12:/m)
})

test('a qube of which no property can be read is told, with the call', async (t) => {
  const faults: Fault[] = [{ match: { method: 'admin.vm.property.*', dest: 'win10-work' }, do: 'refuse' }]
  const host = await withHost(t, defaultFixture(), '4.3', faults)
  const yaml = await host.imported()
  assert.match(yaml, /# win10-work is not here: whether it is HVM cannot be read:/)
  assert.match(yaml, /win10-home:/)
})

test('a file is written once; over one that is there only by force', async (t) => {
  const host = await withHost(t)
  const file = join(host.folder, 'win.yaml')
  assert.equal((await host.qstate('import', 'win7-oem', '-o', file)).out, '')
  const first = readFileSync(file, 'utf8')
  const refused = await host.qstate('import', '-o', file)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /is there already/)
  assert.equal(readFileSync(file, 'utf8'), first)
  assert.equal((await host.qstate('import', '-o', file, '--force')).code, 0)
  assert.notEqual(readFileSync(file, 'utf8'), first)
})

test('what a file says beside its qubes is kept: its name, its selectors, with their comments', async (t) => {
  const host = await withHost(t)
  const folder = join(host.folder, 'qubes')
  assert.equal((await host.qstate('init', folder, '--host', 'laptop')).code, 0)
  const file = join(folder, 'hosts/laptop.yaml')
  const named = 'name: laptop   # a qube that is dropped from this file is found by this name\n'
  assert.ok(readFileSync(file, 'utf8').includes(named))
  const select = `# Offices have more.
select:
- match: { tag: office }
  # Two are enough.
  qube: { vcpus: 2 }
`
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n${select}\n# The end.\ndevices: {}\n`)
  const args = ['import', '-o', file, '--force']
  for (const round of [1, 2]) {
    const { code, err } = await host.qstate(...args)
    assert.equal(code, 0, err)
    const yaml = readFileSync(file, 'utf8')
    assert.ok(yaml.includes(`apiVersion: qstate/v1\n${named}`), yaml)
    assert.ok(yaml.endsWith(`\n\n${select}`), `${yaml} (${round})`)
    assert.equal(yaml.match(/^(?:select|name|qubes):/gm)?.length, 3)
    assert.match(yaml, /^ {2}win7-oem:/m)
  }
  assert.match((await host.qstate('validate', file)).out, /^Valid/)

  writeFileSync(
    file,
    '{"apiVersion":"qstate/v1","qubes":{},"name":"json","select":[{"match":{"name":"x*"},"tags":["a"]}]}\n',
  )
  assert.equal((await host.qstate(...args)).code, 0)
  assert.match(
    readFileSync(file, 'utf8'),
    /^name: "json"$[^]*^select: \[\{"match":\{"name":"x\*"\},"tags":\["a"\]\}\]$/m,
  )
})

test('what cannot be kept beside an import is told, and nothing is written', async (t) => {
  const host = await withHost(t)
  const file = join(host.folder, 'win.yaml')
  for (const [text, why] of [
    [
      'apiVersion: qstate/v1\nname: office\nprofiles: { desk: { tags: [a] } }\nselect: [{ match: { tag: b }, extends: desk }]\n',
      /name and select of the file cannot be kept.*unknown profile "desk"/,
    ],
    ['apiVersion: qstate/v1\nname: office\nqubes: [\n', /is no sound YAML/],
    [
      'apiVersion: qstate/v1\nkind: Fleet\nname: office\nhosts: {}\n',
      /name and hosts of the file cannot be kept/,
    ],
  ] as const) {
    writeFileSync(file, text)
    const { code, err } = await host.qstate('import', '-o', file, '--force')
    assert.equal(code, 1)
    assert.match(err.replace(/\s+/g, ' '), why)
    assert.equal(readFileSync(file, 'utf8'), text)
  }
  writeFileSync(file, 'not: [ a spec\n')
  assert.equal((await host.qstate('import', '-o', file, '--force')).code, 0)
})

test('under a name that is kept, qubes that are not imported are named', async (t) => {
  const host = await withHost(t)
  const file = join(host.folder, 'win.yaml')
  writeFileSync(
    file,
    'apiVersion: qstate/v1\nname: office\nqubes:\n  win10-work: { audio: off }\n  win7-oem: { audio: off }\n',
  )
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  assert.equal((await host.qstate('import', 'win7-oem', '-o', file, '--force')).code, 0)
  const yaml = readFileSync(file, 'utf8').replace(/\n# +/g, ' ')
  assert.match(yaml, /^name: office$/m)
  assert.match(
    yaml,
    /The configuration "office" also owns settings of win10-work: a plan without these qubes withdraws them\./,
  )
  const plan = await host.qstate('plan', file)
  assert.match(plan.out, /win10-work[^]*withdrawn/)
})

test('an import writes nothing to the host, and a wrong name is told', async (t) => {
  const host = await withHost(t)
  await host.imported('--all')
  assert.equal(host.simulator.writes(), 0)
  const wrong = await host.qstate('import', 'Win10-work')
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /did you mean win10-work\?/)
  assert.equal((await host.qstate('import', 'dom0')).code, 1)
  const empty = await withHost(t, {
    ...defaultFixture(),
    qubes: defaultFixture().qubes.filter(({ name }) => !/^(?:win|live)/.test(name)),
  })
  const { out, err } = await empty.qstate('import')
  assert.match(out, /qubes: \{\}\n$/)
  assert.match(err, /^0 of /)
  await checkSettles(empty, out)
})
