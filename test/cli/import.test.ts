import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import {
  defaultFixture,
  type Fault,
  type HostFixture,
  makeDom0Tree,
  parseFixture,
  type Release,
  type Simulator,
  startSimulator,
} from '../../qubesd/simulator/index.ts'
import { type AssignmentFixture, type QubeFixture, type UsbFixture } from '../../qubesd/simulator/fixture.ts'
import { type Qube } from '../../qubesd/simulator/host.ts'
import { type Plan, type Report } from '../../reconciler/index.ts'
import { isReserved } from '../../cli/import-noise.ts'
import { loadManifest, resolve, settingOf } from '../../spec/index.ts'
import { type Result, ROOT, runCli } from './run-cli.ts'

const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = Number(process.env['FC_RUNS'] ?? 15)
const RELEASES = ['4.2', '4.3', '4.4'] as const

interface Host {
  readonly simulator: Simulator
  readonly folder: string
  readonly dom0: string
  qstate(...argv: string[]): Promise<Result>
  /** Imports, and gives the text. */
  imported(...argv: string[]): Promise<string>
  /** Plans a text as the spec. */
  planned(yaml: string, ...argv: string[]): Promise<Plan>
}

async function startHost(
  fixture: HostFixture,
  release: Release,
  faults: readonly Fault[] = [],
): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'qstate-import-'))
  const socket = join(folder, 's')
  const simulator = await startSimulator({ socket, fixture, release, faults })
  const dom0 = `${socket}.dom0`
  makeDom0Tree(dom0)
  const env = { QSTATE_SOCKET: socket, QSTATE_STATE_DIR: join(folder, 'state') }
  const qstate = (...argv: string[]): Promise<Result> => runCli(argv, { env })
  return {
    simulator,
    folder,
    dom0,
    qstate,
    async imported(...argv) {
      const { code, out, err } = await qstate('import', ...argv)
      assert.equal(code, 0, out + err)
      return out
    },
    async planned(yaml, ...argv) {
      const path = join(folder, 'spec.yaml')
      writeFileSync(path, yaml)
      const { code, out, err } = await qstate('plan', path, '--json', ...argv)
      assert.equal(code, 0, yaml + out + err)
      return JSON.parse(out) as Plan
    },
  }
}

const closeHost = async (host: Host): Promise<void> => {
  await host.simulator.close()
  rmSync(host.folder, { recursive: true, force: true })
}

async function withHost(
  t: TestContext,
  fixture: HostFixture = defaultFixture(),
  release: Release = '4.3',
  faults: readonly Fault[] = [],
): Promise<Host> {
  const host = await startHost(fixture, release, faults)
  t.after(() => closeHost(host))
  return host
}

/** The promise: the text is valid, planning it changes no value, and once it is applied there is nothing to do. */
async function checkSettles(host: Host, yaml: string): Promise<void> {
  const { manifest, diagnostics } = loadManifest([{ path: 'spec.yaml', text: yaml }])
  assert.ok(manifest, yaml + JSON.stringify(diagnostics.filter(({ severity }) => severity === 'error')))
  assert.ok(
    yaml.split('\n').every((line) => /^[\x20-\x7e]*$/.test(line)),
    'printable, whatever the host says',
  )
  host.simulator.clearLog()
  const first = await host.planned(yaml)
  assert.deepEqual(
    first.qubes.flatMap((qube) => [...qube.changes, ...qube.blocked]),
    [],
    yaml,
  )
  assert.equal(host.simulator.writes(), 0)
  const apply = await host.qstate('apply', '--yes', '--json', join(host.folder, 'spec.yaml'))
  assert.equal(apply.code, 0, apply.out + apply.err)
  assert.ok((JSON.parse(apply.out) as Report).qubes.length >= 0)
  assert.ok(host.simulator.requests.filter((r) => r.write).every((r) => r.arg === 'qstate.applied'))
  host.simulator.clearLog()
  const again = await host.qstate('apply', '--yes', join(host.folder, 'spec.yaml'))
  assert.equal(again.code, 0, again.out + again.err)
  assert.match(again.out, /Nothing to do/)
  assert.equal(host.simulator.writes(), 0)
}

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

const WEBCAM = { port_id: '2-1', device_id: '046d:0843:CAM00001:u0e0100u0e0200u010100' }
const HEADSET = { port_id: '2-2.1', device_id: '0b0e:0300:HEAD0002:u010100u010200u030000' }

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

test('on 4.2 an assignment is a port', async (t) => {
  const fixture = assigned([['win10-work', WEBCAM.port_id, WEBCAM.device_id, 'required']])
  const host = await withHost(t, fixture, '4.2')
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /backend: sys-usb, port: "2-1" \}/)
  assert.doesNotMatch(yaml, /identity/)
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
  assert.match(out, /make one of the two(?:\n {4}#)? +ask-to-attach/)
  assert.match(err, /2 things could not be read or said/)
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
    comment: /# audio: ich9\n {4}# +left out: unknown audio model "ich9": ich6 is what works/,
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
    what: 'a denial of something else than USB',
    more: { properties: { devices_denied: 'p02****' } },
    comment: /# usb\.denied\.p02\*\*\*\* of win10-work left out/,
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
      left_out: { qube: string; path: string; why: string }[]
    }
    assert.equal(left_out.length, 1)
    assert.equal(left_out[0]?.qube, 'win10-work')
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

test('what qstate owns stays in an import, noise or not, and nothing is pruned', async (t) => {
  const host = await withHost(t)
  const spec = join(host.folder, 'own.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { label: red, debug: true } }\n')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const yaml = await host.imported('win10-work')
  assert.match(yaml, /label: red, debug: true/)
  await checkSettles(host, yaml)
})

test('a device that qstate gave to one qube is not taken for that of its rival', async (t) => {
  const host = await withHost(
    t,
    assigned([
      ['win10-home', WEBCAM.port_id, '*', 'auto-attach'],
      ['win10-work', WEBCAM.port_id, WEBCAM.device_id, 'auto-attach'],
    ]),
  )
  await checkSettles(host, await host.imported('win10-work'))
  const yaml = await host.imported()
  assert.match(yaml, /# usb: \["sys-usb\+2-1:\*"\]\n {4}# +left out: win10-work takes the device by itself/)
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
  assert.match(yaml, /# slic of win10-home left out:\n.*win10-home\.xml was\n.*written by someone else/)
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

const text = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    '0',
    'off',
    'yes',
    'localtime',
    'ich6',
    'ich9',
    'ac97',
    '3600',
    'vga',
    '-1',
    '1_0',
    'null',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
)
const featureName = fc.oneof(
  fc.constantFrom(
    ...['audio-model', 'stubdom-qrexec', 'linux-stubdom', 'timer-period', 'out.latency', 'qemu-extra-args'],
    ...['video-model', 'timezone', 'no-monitor-layout', 'rpc-clipboard', 'gui', 'gui-emulated', 'uefi', 'os'],
    ...['internal', 'supported-x', 'qstate.other', 'true', 'off', '0', 'a.b', '-', '2024-01-01', 'features'],
  ),
  fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/),
  // 4.2 takes what later ones refuse, and a host that was upgraded has it still.
  fc.constantFrom('a/b', 'a+b', 'a b', '~', 'x'.repeat(300), '__proto__'),
)
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const properties = fc.record({
  virt_mode: optional(fc.constantFrom('hvm', 'hvm', 'hvm', 'pvh', 'pv')),
  kernel: optional(fc.constantFrom('', '', '6.1', 'a b')),
  memory: optional(fc.integer({ min: 1, max: 9000 }).map(String)),
  maxmem: optional(fc.constantFrom('0', '0', '4000', '9000')),
  vcpus: optional(fc.integer({ min: 1, max: 600 }).map(String)),
  qrexec_timeout: optional(fc.constantFrom('6000', '60', '9999999')),
  stubdom_mem: optional(fc.integer({ min: 1, max: 500 }).map(String)),
  default_user: optional(fc.constantFrom('user', '1', 'off', 'yes', 'a+b', 'a,b', '')),
  netvm: optional(fc.constantFrom('', 'sys-firewall')),
  audiovm: optional(fc.constantFrom('', 'sys-audio')),
  debug: optional(fc.constantFrom('True', 'False')),
  include_in_backups: optional(fc.constantFrom('True', 'False')),
  keyboard_layout: optional(fc.constantFrom('de++', 'us+dvorak+')),
  kernelopts: optional(fc.constantFrom('', 'quiet', 'a=b c', 'off', '5')),
  mac: optional(fc.constant('00:16:3e:5e:6c:00')),
  devices_denied: optional(fc.constantFrom('u03****', 'u080650p02****', 'u0e0100')),
  label: optional(fc.constantFrom('red', '1st', 'label-x', 'My.Own-Label_2')),
  guivm: optional(fc.constantFrom('', 'win10-home', 'win10-work')),
  default_dispvm: optional(fc.constantFrom('', 'win-dvm')),
  management_dispvm: optional(fc.constantFrom('', 'win-dvm')),
  template_for_dispvms: optional(fc.constantFrom('True', 'False')),
  provides_network: optional(fc.constantFrom('True', 'False')),
  autostart: optional(fc.constantFrom('True', 'False')),
  ip: optional(fc.constantFrom('10.137.0.99', '10.0.0.1')),
  ip6: optional(fc.constant('fd09:24ef:4179::a89:63')),
})
const present = (record: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
const devices = fc.tuple(
  fc.constantFrom('2-1', '2-2.1', '3-1', '9-9', '*', '1-1.2.3.4', 'odd_port'),
  fc.constantFrom(
    WEBCAM.device_id,
    HEADSET.device_id,
    '0781:5581:STICK0003:u080650',
    '1050:0407::u030101',
    '*',
    'dead:beef::?******',
    `dead:beef::${'u010100'.repeat(64)}`,
    'dead:beef:a+b:c*d:u080650',
    `dead:beef:it's "\\:u080650`,
    'dead:beef:_______:u080650',
  ),
  fc.constantFrom('auto-attach', 'auto-attach', 'ask-to-attach', 'required'),
  fc.constantFrom('sys-usb', 'sys-usb', 'sys-usb', 'sys-net', 'win10-home', 'dom0', '*'),
)
/** What is plugged into a network qube: words that anybody may have written. */
const plugged = fc.record({
  words: fc.array(fc.string({ maxLength: 30 }), { minLength: 4, maxLength: 4 }),
  serial: fc.option(fc.string({ maxLength: 12 })),
  interfaces: fc.array(fc.constantFrom('010100', '030101', '080650'), { maxLength: 40 }),
})
const randomQube = fc.record({
  name: fc.oneof(
    fc.constantFrom('win7', 'win10', 'win11', 'windows-10-x', 'yes', 'null', 'off', 'y', 'x-dm', 'none'),
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,6}$/),
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{30}$/),
  ),
  klass: fc.constantFrom('StandaloneVM', 'StandaloneVM', 'AppVM', 'TemplateVM', 'DispVM'),
  state: fc.constantFrom('Halted', 'Halted', 'Running', 'Paused'),
  recipe: fc.boolean(),
  features: fc.dictionary(featureName, text, { maxKeys: 8 }),
  properties: properties.map(present),
  tags: fc.uniqueArray(
    fc.oneof(
      fc.constantFrom(
        'windows',
        'yes',
        '7',
        '-',
        '',
        'created-by-dom0',
        'relayvm-x',
        '__proto__',
        'x'.repeat(300),
      ),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/),
    ),
    { maxLength: 4 },
  ),
  devices: fc.uniqueArray(devices, {
    maxLength: 3,
    selector: ([port, identity, , backend]) => `${backend}+${port}:${identity}`,
  }),
})
const randomQubes = fc.uniqueArray(randomQube, {
  minLength: 1,
  maxLength: 7,
  selector: ({ name }) => name.toLowerCase(),
})
type RandomQube = typeof randomQube extends fc.Arbitrary<infer T> ? T : never
type RandomDevice = typeof plugged extends fc.Arbitrary<infer T> ? T : never

const TOOLS = {
  'stubdom-qrexec': '1',
  'audio-model': 'ich6',
  timezone: 'localtime',
  'no-monitor-layout': '1',
}

function hostOf(
  qubes: readonly RandomQube[],
  devices: readonly RandomDevice[],
  release: Release,
): HostFixture {
  const base = defaultFixture()
  const uuidOf = (index: number): string => `10000000-0000-4000-8000-${String(index).padStart(12, '0')}`
  const reserved = new Set([...base.qubes.map(({ name }) => name), 'win-dvm', 'none', 'default'])
  const mine = qubes.filter(
    // 4.2 knows no dot in a name.
    ({ name }) => !reserved.has(name) && (release !== '4.2' || !name.includes('.')),
  )
  return {
    ...base,
    kernels: ['6.1', 'a b'],
    labels: { '1st': '0x000000', 'label-x': '0x000000', 'My.Own-Label_2': '0x000000' },
    usb: { ...base.usb, 'sys-net': devices.map((device, index) => pluggedIn(device, index)) },
    qubes: [
      ...base.qubes,
      {
        name: 'win-dvm',
        class: 'AppVM',
        state: 'Halted',
        uuid: uuidOf(99),
        tags: [],
        features: { 'appmenus-dispvm': '1', 'preload-dispvm-max': '2' },
        properties: { label: 'red', qid: '99', template: 'win11-template', template_for_dispvms: 'True' },
      },
      ...mine.map((qube, index) => qubeOf(qube, uuidOf(index), index, release)),
    ],
    assignments: mine.flatMap((qube) => assignmentsOf(qube, release)),
  }
}

function qubeOf(qube: RandomQube, uuid: string, index: number, release: Release): QubeFixture {
  const template = TEMPLATES[qube.klass]
  const recipe = qube.recipe ? { virt_mode: 'hvm', kernel: '', maxmem: '0', qrexec_timeout: '6000' } : {}
  const { devices_denied: denied, ...properties } = qube.properties
  return {
    name: qube.name,
    class: qube.klass,
    // Of such a name later releases tell nothing, not even what is plugged into it.
    state: qube.name.endsWith('-dm') ? 'Halted' : qube.state,
    uuid,
    // 4.4 takes no empty tag.
    tags: qube.tags.filter((tag) => tag !== '' || release !== '4.4'),
    features: { ...(qube.recipe ? TOOLS : {}), ...qube.features },
    properties: {
      label: 'blue',
      name: qube.name,
      qid: String(100 + index),
      uuid,
      ...(template === undefined ? {} : { template }),
      ...(qube.klass === 'DispVM' ? { dispid: String(100 + index) } : {}),
      ...recipe,
      ...properties,
      ...(denied === undefined || release === '4.2' ? {} : { devices_denied: denied }),
    },
  }
}

const TEMPLATES: Readonly<Record<RandomQube['klass'], string | undefined>> = {
  AppVM: 'win11-template',
  DispVM: 'win-dvm',
  StandaloneVM: undefined,
  TemplateVM: undefined,
}

function assignmentsOf(qube: RandomQube, release: Release): AssignmentFixture[] {
  return qube.devices
    .filter(([port, identity]) => (release === '4.2' ? port !== '*' : port !== '*' || identity !== '*'))
    .map(([port_id, device_id, mode, backend]) => ({
      qube: qube.name,
      backend: release === '4.2' && backend === '*' ? 'sys-usb' : backend,
      port_id,
      device_id: release === '4.2' ? '*' : device_id,
      mode: release === '4.2' ? 'required' : mode,
      frontend_domain: qube.name,
      options: {},
    }))
    .filter(
      (one, index, list) =>
        list.findIndex(
          (o) => o.backend === one.backend && o.port_id === one.port_id && o.device_id === one.device_id,
        ) === index,
    )
}

/** qubesd prints ASCII only, and no line ends. */
function pluggedIn({ words, serial, interfaces }: RandomDevice, index: number): UsbFixture {
  const [vendor = null, product = null, manufacturer = null, name = null] = words
  return {
    port: `1-${index + 1}`,
    vendor_product: 'dead:beef',
    serial,
    interfaces,
    vendor,
    product,
    manufacturer,
    name,
  }
}

/** Nothing that is set is passed over in silence: it is in the spec, or told, or nobody's to set. */
function checkComplete({ simulator }: Host, names: readonly string[], json: string): void {
  const { yaml, left_out } = JSON.parse(json) as {
    yaml: string
    left_out: { qube: string; path: string | null; why: string }[]
  }
  const { manifest } = loadManifest([{ path: 'spec.yaml', text: yaml }])
  const said = manifest && resolve(manifest, { qubes: [] }).desired
  for (const name of names) {
    const left = left_out.filter(({ qube, why }) => qube === name && why !== '').map(({ path }) => path)
    const qube = simulator.host.qubes.get(name)!
    for (const path of left.includes(null) ? [] : pathsOf(qube)) {
      const known = said?.qubes.get(name)?.settings.has(path) === true
      assert.ok(known || left.includes(path) || isReserved(path), `${path} of ${name} is nowhere\n${yaml}`)
    }
  }
}

/** The same of what is shown: by the name that the host has for it. */
function checkShown({ simulator }: Host, names: readonly string[], { code, out, err }: Result): void {
  assert.equal(code, 0, err)
  const shown = JSON.parse(out) as { name: string; settings: { path: string }[] }[]
  for (const name of names) {
    const qube = simulator.host.qubes.get(name)!
    const paths = new Set(shown.find((one) => one.name === name)?.settings.map(({ path }) => path))
    // Of a name that no qube can have later releases tell nothing: that is shown.
    for (const path of name.endsWith('-dm') ? [] : pathsOf(qube))
      assert.ok(
        paths.has(path) || path.startsWith('qube/features/qstate.'),
        `${path} of ${name} is not shown\n${out}`,
      )
  }
}

/** A plan for what was recorded is as empty as one for the host. */
async function checkRecorded(host: Host, yaml: string): Promise<void> {
  const [state, spec] = [join(host.folder, 'host.json'), join(host.folder, 'spec.yaml')]
  assert.equal((await host.qstate('record', '-o', state)).code, 0)
  writeFileSync(spec, yaml)
  const { code, out, err } = await runCli(['plan', '--json', '--host-state', state, spec])
  assert.equal(code, 0, yaml + out + err)
  const { qubes } = JSON.parse(out) as Plan
  const planned = qubes.flatMap((qube) => [...qube.changes, ...qube.blocked])
  assert.deepEqual(planned, [], yaml)
}

const pathsOf = ({ features, tags, assignments }: Qube): readonly string[] => [
  ...[...features.keys()].map((key) => settingOf('feature', key)?.path ?? `qube/features/${key}`),
  ...[...tags].map((tag) => `tags/${tag}`),
  ...[...assignments.values()].map((a) => `usb/${a.backend ?? '*'}+${a.port}:${a.deviceId}`),
]

for (const release of RELEASES) {
  test(`whatever a host of ${release} has, an import of it settles`, async (t) => {
    t.diagnostic(`FC_SEED=${SEED} repeats this run`)
    const devices = fc.array(plugged, { maxLength: 3 })
    const law = fc.asyncProperty(randomQubes, devices, fc.boolean(), async (qubes, plugs, all) => {
      const host = await startHost(hostOf(qubes, plugs, release), release)
      try {
        const flags = all ? ['--all'] : []
        const names = host.simulator.host.qubes.keys()
        const mine = [...names].filter((name) => qubes.some((qube) => qube.name === name))
        const yaml = await host.imported(...flags, ...mine)
        assert.equal(
          await host.imported(...flags, ...mine.toReversed()),
          yaml,
          'the order of names is nothing',
        )
        if (all) {
          assert.equal((await host.qstate('devices')).code, 0)
          assert.doesNotMatch((await host.qstate('doctor')).out, /undefined|NaN/)
          await checkRecorded(host, yaml)
          checkComplete(host, mine, await host.imported('--json', ...flags, ...mine))
          if (mine.length > 0) checkShown(host, mine, await host.qstate('show', '--json', ...mine))
        }
        await checkSettles(host, yaml)
        await checkSettles(host, await host.imported(...flags))
      } finally {
        await closeHost(host)
      }
    })
    await fc.assert(law, { seed: SEED, numRuns: RUNS, includeErrorInReport: true })
  })
}
