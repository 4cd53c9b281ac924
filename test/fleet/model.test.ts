import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { loadManifest } from '../../spec/compose/load.ts'
import { resolve } from '../../spec/compose/resolve.ts'
import { formatDiagnostics } from '../../spec/diagnostics/format.ts'
import { chooseWaves } from '../../spec/fleet/choose.ts'
import { fleetSchema } from '../../spec/fleet/fleet-schema.ts'
import { layered } from '../../spec/fleet/layers.ts'
import { loadFleet } from '../../spec/fleet/load.ts'
import { rolloutSchema } from '../../spec/fleet/rollout-schema.ts'

const FLEET = `apiVersion: qstate/v1
kind: Fleet
name: acme
store: { nats: [tls://nats.acme.example:4222] }
spec: [base.yaml]
values: { memory: 4096 }
groups:
  berlin: { match: { labels: { site: berlin } }, spec: [berlin.yaml], values: { memory: 6144 } }
  pilots: { hosts: [b] }
hosts:
  a: { labels: { site: berlin } }
  b: { labels: { site: paris }, reach: { socket: /tmp/b.sock } }
  c: { labels: { site: berlin }, values: { memory: 8192 }, spec: [c.yaml] }
  d: {}
`
const ROLLOUT = `apiVersion: qstate/v1
kind: Rollout
name: winter
revision: main
canary: { match: { group: pilots }, soak: 1h }
waves:
  - { name: early, percent: 50%, maxUnavailable: 50% }
  - { approval: manual }
maxUnavailable: 10%
maxFailures: { count: 3, percent: 10% }
soak: 30m
away: { after: 10m, then: later }
`

const SOUND = 'UAH42UG6PV552P5SWLWTBP3H3S5BHAVCO2IEKEXUANJXR75J63RQ5WM6'
const BAD_KEY =
  'the checksum of this public key is wrong — a letter of it was changed: copy it again as `qstate fleet key --of FILE` prints it, of the private key in FILE'

const load = (...texts: readonly string[]): ReturnType<typeof loadFleet> =>
  loadFleet(texts.map((text, index) => ({ path: `${'fr'[index] ?? 'x'}.yaml`, text })))

/** `LINE:COLUMN CODE MESSAGE — HINT` of everything that is wrong. */
const told = (...texts: readonly string[]): readonly string[] =>
  load(...texts).diagnostics.map(
    ({ at, code, message, hint }) => `${at.line}:${at.column} ${code} ${message} — ${hint}`,
  )

test('a fleet has its hosts with the groups they are in and the layers of their spec', () => {
  const { fleet, diagnostics } = load(FLEET)
  assert.deepEqual(diagnostics, [])
  assert.ok(fleet)
  const groups = [...fleet.hosts.values()].map((host) => [host.name, ...host.groups])
  assert.deepEqual(groups, [['a', 'berlin'], ['b', 'pilots'], ['c', 'berlin'], ['d']])
  const files = fleet.hosts.get('c')?.layers.flatMap(({ spec }) => spec.map(({ path }) => path))
  assert.deepEqual(files, ['base.yaml', 'berlin.yaml', 'c.yaml'])
  assert.deepEqual(fleet.hosts.get('b')?.reach, { kind: 'socket', to: '/tmp/b.sock' })
})

test('waves take hosts in order, each once, and percentages become numbers', () => {
  const { fleet, rollouts, diagnostics } = load(FLEET, ROLLOUT)
  assert.deepEqual(diagnostics, [])
  const waves = chooseWaves(rollouts[0]!, fleet!)
  assert.deepEqual(
    waves.map(({ name, hosts, maxUnavailable, soakMs, approval }) => [
      name,
      hosts,
      maxUnavailable,
      soakMs,
      approval,
    ]),
    [
      ['canary', ['b'], 1, 3_600_000, false],
      ['early', ['a', 'c'], 1, 1_800_000, false],
      ['wave-2', ['d'], 1, 1_800_000, true],
    ],
  )
  assert.deepEqual(waves[1]?.maxFailures, { wave: 0, total: 3 })
  assert.deepEqual(rollouts[0]?.away, { afterMs: 600_000, then: 'later' })
})

for (const { reason, texts, expected } of [
  {
    reason: 'unknown keys and words have the nearest valid one',
    texts: [
      FLEET.replace('labels: { site: paris }', 'label: { site: paris }'),
      ROLLOUT.replace('then: later', 'then: latr').replace('maxFailures:', 'maxFailure:'),
    ],
    expected: [
      '12:8 unknown-key unknown key "label" — did you mean "labels"?',
      '10:1 unknown-key unknown key "maxFailure" — did you mean "maxFailures"?',
      '12:27 bad-value the text "latr" cannot stand here — did you mean "later"? expected wait, skip or later',
    ],
  },
  {
    reason: 'hosts and groups that are not there',
    texts: [
      FLEET.replace('hosts: [b]', 'hosts: [bb]'),
      ROLLOUT.replace('group: pilots', 'group: pilot').replace('percent: 50%,', 'hosts: [a, x9],'),
    ],
    expected: [
      '9:21 unknown-host unknown host "bb" — did you mean "b"?',
      '5:9 unknown-group unknown group "pilot" — did you mean "pilots"?',
      '5:9 empty-wave the wave "canary" comes to nobody — no host that is in no earlier wave meets its conditions',
      '7:31 unknown-host unknown host "x9" — expected a, b, c or d',
    ],
  },
  {
    reason: 'a fleet without servers says how each host is reached',
    texts: [
      FLEET.replace(/^store.*\n/m, '')
        .replace('  d: {}\n', '')
        .replace(/ {2}[ac]: .*\n/g, ''),
    ],
    expected: [],
  },
  {
    reason: 'a host that nothing reaches',
    texts: ['apiVersion: qstate/v1\nkind: Fleet\nname: f\nhosts:\n  a: {}\n'],
    expected: [
      '5:3 not-reached nothing says how "a" is reached — write reach: qrexec, { socket: PATH } or { ssh: HOST }, or name servers under store',
    ],
  },
  {
    reason: 'a program that a repository names',
    texts: ['apiVersion: qstate/v1\nkind: Fleet\nname: f\nhosts:\n  a: { reach: { qrexec: ./x.sh } }\n'],
    expected: [
      '5:3 not-reached nothing says how "a" is reached — write reach: qrexec, { socket: PATH } or { ssh: HOST }, or name servers under store',
      '5:17 unknown-key unknown key "qrexec" — expected socket or ssh',
    ],
  },
  {
    reason: 'two hosts that qrexec reaches',
    texts: [
      'apiVersion: qstate/v1\nkind: Fleet\nname: f\nhosts:\n  a: { reach: qrexec }\n  b: { reach: qrexec }\n',
    ],
    expected: [
      '6:3 not-reached qrexec reaches the machine that this runs on, which is "a" already — reach it by ssh, or by an agent of its own',
    ],
  },
  {
    reason: 'durations and percentages',
    texts: [
      FLEET,
      ROLLOUT.replace('soak: 30m', 'soak: 30').replace('maxUnavailable: 10%', 'maxUnavailable: 110%'),
    ],
    expected: [
      '9:17 wrong-type the text "110%" cannot stand here — expected a number of hosts or a percentage such as 10%',
      '11:7 wrong-type the number 30 cannot stand here — expected a duration such as 90s, 30m, 12h or 7d; put it in quotes if the text "30" is meant',
    ],
  },
  {
    reason: 'public keys with a letter that was changed or swapped, each at its place',
    texts: [
      `apiVersion: qstate/v1
kind: Fleet
name: f
store:
  nats: [tls://nats.acme.example:4222]
  controllers: [${SOUND}, ${SOUND.replace('UAH42', 'UAH24')}]
hosts:
  a: { key: ${SOUND.replace(/.$/, 'A')} }
`,
    ],
    expected: [`6:75 bad-key ${BAD_KEY}`, `8:13 bad-key ${BAD_KEY}`],
  },
  {
    reason: 'hosts in no wave are told',
    texts: [FLEET, ROLLOUT.replace('  - { approval: manual }\n', '')],
    expected: [
      '1:1 left-out 1 host is in no wave — end with a wave that says none: it has all that are left',
    ],
  },
  {
    reason: 'no fleet, two fleets, and what is neither',
    texts: ['apiVersion: qstate/v1\nqubes: {}\n', FLEET, FLEET],
    expected: [
      '1:1 other-kind this document is neither a Fleet nor a Rollout — what hosts are to be stands in files of its own, which a fleet names under spec',
      '1:1 two-fleets there is another fleet already — all files together are one fleet',
    ],
  },
]) {
  test(`what is wrong with a fleet has a place and a remedy: ${reason}`, () => {
    assert.deepEqual(told(...texts), expected)
  })
}

test('the schemas are sound', () => {
  const ajv = new Ajv2020({ strict: true }).addVocabulary(['x-expected', 'x-setting', 'x-name'])
  for (const schema of [fleetSchema, rolloutSchema]) assert.ok(ajv.validateSchema(schema))
})

const BASE = `apiVersion: qstate/v1
profiles: { desk: { extends: windows-10, qube: { memory: "\${memory}" } } }
qubes:
  win: { extends: desk, qube: { vcpus: 2, defaultUser: "user-\${who}" } }
`
const OWN = `apiVersion: qstate/v1
qubes:
  win: { qube: { vcpus: 4 } }
  extra: { audio: ich6 }
`

function resolved(values: Readonly<Record<string, string | number>>): ReturnType<typeof loadManifest> {
  const fleet = load(
    `apiVersion: qstate/v1\nkind: Fleet\nname: f\nvalues: ${JSON.stringify(values)}\nhosts: { a: { reach: { socket: s } } }\n`,
  ).fleet
  const files = ['base.yaml', 'own.yaml']
  return loadManifest(
    [
      { path: 'own.yaml', text: OWN },
      { path: 'base.yaml', text: BASE },
    ],
    {
      shape: layered({
        layerOf: (file) => files.indexOf(file),
        values: fleet!.hosts.get('a')!.layers[0]!.values,
      }),
    },
  )
}

test("a host's own files are laid over the fleet's, and values are filled in", () => {
  const { manifest, diagnostics } = resolved({ memory: 6144, who: 'anna' })
  assert.ok(manifest, JSON.stringify(diagnostics))
  const { desired } = resolve(manifest, { qubes: [] })
  const settings = desired.qubes.get('win')?.settings
  assert.equal(settings?.get('qube/memory')?.value, 6144)
  assert.equal(settings.get('qube/vcpus')?.value, 4)
  assert.equal(settings.get('qube/defaultUser')?.value, 'user-anna')
  assert.equal(settings.get('qube/vcpus')?.position.file, 'own.yaml')
  assert.deepEqual([...desired.qubes.keys()], ['extra', 'win'])
})

test('what has another name by now adds up over layers', () => {
  const files = ['base.yaml', 'own.yaml']
  const { manifest, diagnostics } = loadManifest(
    [
      {
        path: 'own.yaml',
        text: 'apiVersion: qstate/v1\nformerly: [home]\nmoved: [{ from: b, to: c }]\nqubes: { c: {} }\n',
      },
      {
        path: 'base.yaml',
        text: 'apiVersion: qstate/v1\nname: lab\nformerly: [office]\nmoved: [{ from: a, to: b }]\n',
      },
    ],
    { shape: layered({ layerOf: (file) => files.indexOf(file), values: new Map() }) },
  )
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(manifest?.formerly, ['office', 'home'])
  assert.deepEqual(
    manifest.moved.map(({ from, to, position }) => [from, to, position.file]),
    [
      ['a', 'b', 'base.yaml'],
      ['b', 'c', 'own.yaml'],
    ],
  )
})

test('a value that nothing sets is told where it is used, with the nearest name', () => {
  const { manifest, diagnostics } = resolved({ memry: 6144, who: 'anna' })
  assert.equal(manifest, null)
  const text = formatDiagnostics(
    diagnostics.filter(({ code }) => code === 'unknown-value'),
    [{ path: 'base.yaml', text: BASE }],
    { color: false, width: 100 },
  )
  assert.match(text, /^base\.yaml:2:58: error: nothing says what \$\{memory\} stands for\n/)
  assert.match(text, /did you mean "memry"\?/)
})
