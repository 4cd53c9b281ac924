import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isReserved } from '../../app/import/noise.ts'
import { type Plan } from '../../reconciler/plan/plan.ts'
import {
  type AssignmentFixture,
  type HostFixture,
  type QubeFixture,
  type UsbFixture,
} from '../../simulator/host/fixture.ts'
import { type Qube } from '../../simulator/host/host.ts'
import { defaultFixture, type SimulatedVersion } from '../../simulator/index.ts'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { settingOf } from '../../spec/vocabulary/settings.ts'
import { check } from '../support/property.ts'
import { checkSettles, closeHost, HEADSET, type Host, RELEASES, startHost, WEBCAM } from './import-host.ts'
import { isCode } from '../../spec/diagnostics/codes.ts'
import { type Result, runCli } from './run-cli.ts'

/** Whatever a host is like: its import is a spec that changes nothing, and other commands have no less to say of it. */

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
  release: SimulatedVersion,
): HostFixture {
  const base = defaultFixture()
  const uuidOf = (index: number): string => `10000000-0000-4000-8000-${String(index).padStart(12, '0')}`
  const reserved = new Set([...base.qubes.map(({ name }) => name), 'win-dvm', 'none', 'default'])
  const mine = qubes.filter(({ name }) => !reserved.has(name))
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
    assignments: mine.flatMap((qube) => assignmentsOf(qube)),
  }
}

function qubeOf(qube: RandomQube, uuid: string, index: number, release: SimulatedVersion): QubeFixture {
  const template = TEMPLATES[qube.klass]
  const recipe = qube.recipe ? { virt_mode: 'hvm', kernel: '', maxmem: '0', qrexec_timeout: '6000' } : {}
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
      ...qube.properties,
    },
  }
}

const TEMPLATES: Readonly<Record<RandomQube['klass'], string | undefined>> = {
  AppVM: 'win11-template',
  DispVM: 'win-dvm',
  StandaloneVM: undefined,
  TemplateVM: undefined,
}

function assignmentsOf(qube: RandomQube): AssignmentFixture[] {
  return qube.devices
    .filter(([port, identity]) => port !== '*' || identity !== '*')
    .map(([port_id, device_id, mode, backend]) => ({
      qube: qube.name,
      backend,
      port_id,
      device_id,
      mode,
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
    left_out: { qube: string; path: string | null; problem: { code: string; message: string } }[]
  }
  const { manifest } = loadManifest([{ path: 'spec.yaml', text: yaml }])
  const said = manifest && resolve(manifest, { qubes: [] }).desired
  for (const name of names) {
    const left = left_out
      .filter(({ qube, problem }) => qube === name && problem.message !== '' && isCode(problem.code))
      .map(({ path }) => path)
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
    const devices = fc.array(plugged, { maxLength: 3 })
    const cases = fc.tuple(randomQubes, devices, fc.boolean())
    await check(t, cases, 15, async ([qubes, plugs, all]) => {
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
  })
}
