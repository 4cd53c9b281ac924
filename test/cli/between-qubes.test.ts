import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

/** Settings that name other qubes of the same apply: qubesd takes them only once those are there, and of use. */

const RELEASES = ['4.3', '4.4'] as const

function spec(host: Host, qubes: string): string {
  const path = join(host.folder, 'spec.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\nname: test\nqubes:\n${qubes}`)
  return path
}

const done = (host: Host, call: string): number =>
  host.simulator.requests.findIndex((r) => `${r.method}+${r.arg} ${r.dest}`.startsWith(call))

const NETWORK = `
  a-work:
    ensure: { label: red }
    audio: { audiovm: z-audio }
    qube: { netvm: z-net }
    usb: { "z-usb+1-1:*": auto-attach }
  win10-home:
    qube: { netvm: z-net }
  z-audio:
    ensure: { template: z-template, label: red }
    qube: { netvm: z-net }
  z-net:
    ensure: { template: z-template, label: red }
    audio: { audiovm: z-audio }
    qube: { netvm: off, properties: { provides_network: true } }
  z-template:
    ensure: { class: TemplateVM, label: black }
    audio: { audiovm: z-audio }
  z-usb:
    ensure: { template: z-template, label: red }
`

test('qubes that other qubes of the apply name are created, and made of use, before they are named', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const path = spec(host, NETWORK)
    const { code, out } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out)
    assert.ok(
      done(host, 'admin.vm.property.Set+provides_network z-net') <
        done(host, 'admin.vm.property.Set+netvm a-work'),
    )
    host.simulator.clearLog()
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
    assert.equal(host.simulator.writes(), 0)
  }
})

test('a qube that is named and could not be created is said to be what is missing', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(host, NETWORK)
  host.simulator.setFaults([{ match: { method: 'admin.vm.Create.AppVM' }, times: 1, do: 'refuse' }])
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 3)
  assert.match(out.replaceAll(/\s+/g, ' '), /z-[a-z]+ has not been created/)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
})

test('a qube is left by those that use it before it is of no use, and before it is removed', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const BEFORE = `
  a-net:
    ensure: { template: fedora-42, label: red }
    qube: { netvm: off, properties: { provides_network: true } }
  win10-home:
    qube: { netvm: a-net }
`
    assert.equal((await host.qstate('apply', '--yes', spec(host, BEFORE))).code, 0)
    const off = BEFORE.replace('provides_network: true', 'provides_network: false')
    host.simulator.clearLog()
    const unused = await host.qstate('apply', '--yes', spec(host, off.replace('netvm: a-net', 'netvm: off')))
    assert.equal(unused.code, 0, unused.out)

    assert.equal((await host.qstate('apply', '--yes', spec(host, BEFORE))).code, 0)
    const gone = `
  a-net: { ensure: absent }
  win10-home: { qube: { netvm: off } }
`
    const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'a-net', spec(host, gone))
    assert.equal(code, 0, out)
  }
})

test('of qubes that are removed together those go first that use the others', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const chain = `
  a-net: { ensure: { template: fedora-42, label: red }, qube: { netvm: off, properties: { provides_network: true } } }
  b-net: { ensure: { template: fedora-42, label: red }, qube: { netvm: a-net, properties: { provides_network: true } } }
  c-user: { ensure: { template: fedora-42, label: red }, qube: { netvm: b-net } }
`
    assert.equal((await host.qstate('apply', '--yes', spec(host, chain))).code, 0)
    const names = ['a-net', 'b-net', 'c-user']
    const path = spec(host, names.map((name) => `  ${name}: { ensure: absent }\n`).join(''))
    const allowed = names.flatMap((name) => ['--allow-remove', name])
    const { code, out } = await host.qstate('apply', '--yes', ...allowed, path)
    assert.equal(code, 0, out)
    assert.deepEqual(
      names.filter((name) => host.simulator.host.qubes.has(name)),
      [],
    )
  }
})

test('with --fail-fast, too, and one at a time, removals wait for those that use the qube', async (t) => {
  const host = await simulatedHost(t)
  const pair = `
  a-net: { ensure: { template: fedora-42, label: red }, qube: { netvm: off, properties: { provides_network: true } } }
  b-user: { ensure: { template: fedora-42, label: red }, qube: { netvm: a-net } }
`
  assert.equal((await host.qstate('apply', '--yes', spec(host, pair))).code, 0)
  const path = spec(host, '  a-net: { ensure: absent }\n  b-user: { ensure: absent }\n')
  const allowed = ['--allow-remove', 'a-net', '--allow-remove', 'b-user']
  const { code, out } = await host.qstate(
    'apply',
    '--yes',
    '--fail-fast',
    ...['--parallelism', '1', ...allowed],
    path,
  )
  assert.equal(code, 0, out)
})

test('a text that is only by chance the name of a qube is set, whatever becomes of that qube', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(
    host,
    '  alice: { ensure: { label: red } }\n  win10-home: { qube: { defaultUser: alice } }\n',
  )
  host.simulator.setFaults([{ match: { method: 'admin.vm.Create.StandaloneVM' }, do: 'refuse' }])
  assert.equal((await host.qstate('apply', '--yes', path)).code, 3)
  assert.equal(host.simulator.host.qubes.get('win10-home')?.properties.get('default_user'), 'alice')
})

test('a qube that was created ahead is known as created where the run ends before its turn', async (t) => {
  const host = await simulatedHost(t)
  const path = spec(
    host,
    `
  a-audio: { ensure: { template: fedora-42, label: red } }
  b-audio: { ensure: { template: fedora-42, label: red } }
  win10-home: { audio: { audiovm: a-audio } }
  win10-work: { audio: { audiovm: b-audio } }
`,
  )
  host.simulator.setFaults([{ match: { method: 'admin.vm.Create.AppVM' }, after: 1, do: 'refuse' }])
  assert.equal((await host.qstate('apply', '--yes', '--fail-fast', '--parallelism', '1', path)).code, 3)
  spec(host, '  a-audio: { ensure: absent }\n')
  const { code, out } = await host.qstate('apply', '--yes', '--allow-remove', 'a-audio', path)
  assert.equal(code, 0, out)
})

test('of qubes that name each other all are made of use first, and last of none: one apply is enough', async (t) => {
  const host = await simulatedHost(t, { release: '4.4' })
  const dvm = (other: string): string =>
    `{ ensure: { template: fedora-42, label: red }, qube: { properties: { template_for_dispvms: true, default_dispvm: ${other} } } }`
  const path = spec(
    host,
    `
  a-user: { ensure: { template: fedora-42, label: red }, qube: { properties: { default_dispvm: b-dvm } } }
  b-dvm: ${dvm('c-dvm')}
  c-dvm: ${dvm('b-dvm')}
`,
  )
  const first = await host.qstate('apply', '--yes', '--parallelism', '1', path)
  assert.equal(first.code, 0, first.out)
  assert.equal(host.simulator.host.qubes.get('a-user')?.properties.get('default_dispvm'), 'b-dvm')
  assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  const off = '{ qube: { properties: { template_for_dispvms: false, default_dispvm: "" } } }'
  const last = await host.qstate(
    'apply',
    '--yes',
    '--parallelism',
    '1',
    spec(
      host,
      `  a-user: { qube: { properties: { default_dispvm: "" } } }\n  b-dvm: ${off}\n  c-dvm: ${off}\n`,
    ),
  )
  assert.equal(last.code, 0, last.out)
  assert.match((await host.qstate('apply', '--yes', join(host.folder, 'spec.yaml'))).out, /Nothing to do/)
})

test('a plan says that there is no qube of the name that a value names', async (t) => {
  const host = await simulatedHost(t)
  const body = `
  a-new: { ensure: { label: red } }
  win10-home:
    audio: { audiovm: a-new }
    qube: { netvm: sys-nett, properties: { default_dispvm: "" } }
    usb: { "sys-usbb+1-1:*": auto-attach }
`
  const { out } = await host.qstate('plan', spec(host, body))
  assert.match(out, /! qube netvm: there is no qube sys-nett/)
  assert.match(out, /! usb sys-usbb\+1-1:\*: there is no qube sys-usbb/)
  assert.equal(out.match(/there is no qube/g)?.length, 2)
  const recorded = join(host.folder, 'host.json')
  assert.equal((await host.qstate('record', '-o', recorded)).code, 0)
  assert.match(
    (await host.qstate('plan', '--host-state', recorded, spec(host, body))).out,
    /no qube sys-nett/,
  )
})
