import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** Every name in a value is looked up where a change names it; what is not there, or of no use, blocks that setting alone. */

const RELEASES = ['4.3', '4.4'] as const

const spec = (host: Host, qubes: string): string =>
  host.write('spec.yaml', `${HEAD}name: test\nqubes:\n${qubes}`)

const planOf = async (host: Host, ...argv: string[]): Promise<Plan> =>
  JSON.parse((await host.qstate('plan', '--json', ...argv)).out) as Plan

/** `QUBE path: code, line:column` of all that is blocked. */
const blockedIn = ({ qubes }: Plan): readonly string[] =>
  qubes.flatMap(({ qube, blocked }) =>
    blocked.map(
      ({ path, problem: { code, at } }) => `${qube} ${path ?? ''}: ${code}, ${at?.line}:${at?.column}`,
    ),
  )

const asked = (host: Host, method: string): number =>
  host.simulator.requests.filter((request) => request.method === method).length

const WRONG = `  win10-home:
    audio: { model: ich6, audiovm: sys-audoi }
    usb: { "sys-usbb+1-1:*": ask-to-attach }
    qube:
      netvm: sys-firewal
      kernel: 6.6.1
      label: mauve
      properties: { guivm: sys-gui, default_dispvm: nosuch, management_dispvm: nosuch }
  win11-office: { qube: { properties: { template: fedora-43 } } }
  win11-untrusted: { qube: { netvm: no } }
  win7-oem: { qube: { netvm: win10-work, vcpus: 3 } }
  win11-template: { qube: { label: mauve, netvm: win10-work } }
`

test('a name that the host does not have blocks its setting, with code, place and the nearest name', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(host, WRONG)
    const plan = await planOf(host, path)
    assert.deepEqual(blockedIn(plan), [
      'win10-home audio/audiovm: unknown-qube, 5:36',
      'win10-home qube/kernel: unknown-kernel, 9:15',
      'win10-home qube/label: unknown-label, 10:14',
      'win10-home qube/netvm: unknown-qube, 8:14',
      'win10-home qube/properties/default_dispvm: unknown-qube, 11:53',
      'win10-home qube/properties/guivm: unknown-qube, 11:28',
      'win10-home qube/properties/management_dispvm: unknown-qube, 11:80',
      'win10-home usb/sys-usbb+1-1:*: unknown-qube, 6:12',
      'win11-office qube/properties/template: unknown-qube, 12:51',
      'win11-template qube/label: unknown-label, 15:36',
      'win11-template qube/netvm: no-network-provided, 15:50',
      'win11-untrusted qube/netvm: unknown-qube, 13:37',
      'win7-oem qube/netvm: no-network-provided, 14:30',
    ])
    const { out } = await host.qstate('plan', path)
    for (const hint of ['sys-audio', 'sys-usb', 'sys-firewall', 'fedora-42'])
      assert.match(out, new RegExp(`did you mean ${hint}\\?`))
    assert.match(out, /for none, write off/)
    assert.match(out, /this host has red, orange/)
    const { code } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 3)
    const written = host.simulator.requests
      .filter(({ write }) => write)
      .map(({ arg, dest }) => `${dest} ${arg}`)
    assert.deepEqual(written.filter((one) => !one.endsWith('qstate.applied')).sort(), [
      'win10-home audio-model',
      'win7-oem vcpus',
    ])
  }
})

test('each kind of thing is looked up once in a run, and nothing at all of a settled host', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(
    host,
    `  win10-home: { qube: { label: purple, netvm: sys-firewall } }
  win7-oem: { qube: { label: purple, netvm: sys-firewall } }
  win11-office: { qube: { label: purple, netvm: sys-firewall } }
`,
  )
  const lookUps = (): readonly number[] => [
    asked(host, 'admin.label.List'),
    host.simulator.requests.filter(({ arg, dest }) => arg === 'provides_network' && dest === 'sys-firewall')
      .length,
  ]
  await planOf(host, path)
  assert.deepEqual(lookUps(), [1, 1])
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  host.simulator.clearLog()
  await planOf(host, path)
  assert.deepEqual(lookUps(), [0, 0])
})

test('what a refused look-up would have told is unknown: it blocks nothing, and is told once', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, '  win10-home: { qube: { label: mauve, netvm: win10-work } }\n')
  host.simulator.setFaults([
    { match: { method: 'admin.label.List' }, do: 'refuse' },
    { match: { method: 'admin.vm.property.Get', arg: 'provides_network' }, do: 'refuse' },
  ])
  const plan = await planOf(host, path)
  assert.deepEqual(blockedIn(plan), [])
  assert.deepEqual(
    plan.untold?.map(({ what }) => what),
    ['which labels there are', 'which qubes have provides_network'],
  )
})

test('a qube that the same plan creates counts, as what the spec makes of it; one that it cannot create does not', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const qubes = (label: string): string => `  a-net:
    ensure: { template: fedora-42, label: ${label} }
    qube: { netvm: off, properties: { provides_network: true } }
  b-plain: { ensure: { template: fedora-42, label: red } }
  win10-home: { audio: { audiovm: b-plain }, qube: { netvm: a-net } }
  win7-oem: { qube: { netvm: b-plain } }
  c-app: { ensure: { template: d-template, label: red } }
  d-template: { ensure: { class: TemplateVM, label: ${label} } }
`
    assert.deepEqual(blockedIn(await planOf(host, spec(host, qubes('red')))), [
      'win7-oem qube/netvm: no-network-provided, 9:30',
    ])
    assert.deepEqual(blockedIn(await planOf(host, spec(host, qubes('mauve')))), [
      'a-net : unknown-label, 4:3',
      'c-app : no-template, 10:3',
      'd-template : unknown-label, 11:3',
      'win10-home qube/netvm: unknown-qube, 8:61',
      'win7-oem qube/netvm: no-network-provided, 9:30',
    ])
  }
})

test('a qube that disposables are not made from is refused as their template where this version refuses it', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(
      host,
      '  win10-home: { qube: { properties: { default_dispvm: win11-office, management_dispvm: win11-office } } }\n',
    )
    const blocked = release === '4.3' ? 0 : 2
    assert.equal(
      blockedIn(await planOf(host, path)).filter((one) => one.includes('no-disposables')).length,
      blocked,
    )
    assert.equal((await host.qstate('apply', '--yes', path)).code, blocked === 0 ? 0 : 1)
  }
})

test('a recorded host tells the same', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, WRONG)
  const recorded = `${host.folder}/host.json`
  assert.equal((await host.qstate('record', '-o', recorded)).code, 0)
  const live = blockedIn(await planOf(host, path))
  assert.deepEqual(blockedIn(await planOf(host, '--host-state', recorded, path)), live)
})

test('a value cannot go back to what is no longer of use, and is left as it is', async (t) => {
  const host = await simulatedHost(t)
  const set = (call: string, payload: string): void => {
    assert.equal(host.simulator.act(Buffer.from(`${call}\0${payload}`)).toString('latin1'), '0\0', call)
  }
  set('admin.vm.property.Set+netvm dom0 name win10-home', 'sys-firewall')
  assert.equal(
    (await host.qstate('apply', '--yes', spec(host, '  win10-home: { qube: { netvm: off, vcpus: 3 } }\n')))
      .code,
    0,
  )
  for (const qube of [
    'win10-work',
    'mgmt',
    'win11-office',
    'win11-untrusted',
    'live-linux',
    'sys-usb',
    'sys-audio',
  ])
    host.simulator.act(Buffer.from(`admin.vm.property.Set+netvm dom0 name ${qube}\0`))
  host.simulator.act(Buffer.from('admin.property.Set+default_netvm dom0 name dom0\0'))
  set('admin.vm.property.Set+provides_network dom0 name sys-firewall', 'False')
  const plan = await planOf(host, spec(host, '  win10-home: { qube: { vcpus: 3 } }\n'))
  assert.deepEqual(
    plan.qubes[0]?.blocked.map(({ path, problem: { code, message } }) => [path, code, message]),
    [['qube/netvm', 'no-way-back', 'it cannot go back to sys-firewall: sys-firewall provides no network']],
  )
})

test('a qube that is not there has its nearest name first, and a name that Qubes does not read is warned of', async (t) => {
  const host = await simulatedHost(t)
  const { out } = await host.qstate('plan', spec(host, '  win10-wrk: { audio: ich6 }\n'))
  assert.match(out, /there is no such qube .*\n\s+did you mean win10-work\?/)
  const features = '{ audio-modle: ich6, stubdom_qrexec: 1, my-own: x, os: Windows }'
  const { err } = await host.qstate(
    'plan',
    spec(host, `  win10-home: { qube: { features: ${features}, properties: { provides_netwrok: true } } }\n`),
  )
  assert.deepEqual(err.match(/did you mean "[a-z_-]+"/g), [
    'did you mean "audio-model"',
    'did you mean "stubdom-qrexec"',
    'did you mean "provides_network"',
  ])
})
