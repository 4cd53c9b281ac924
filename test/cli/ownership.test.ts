import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

/** Writes a spec with this body for one qube, and gives its path. */
function spec(host: Host, body: string, qube = 'win10-home', head = ''): string {
  const path = join(host.folder, 'spec.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\n${head}qubes:\n  ${qube}: ${body}\n`)
  return path
}

const act = (host: Host, method: string, qube: string, payload = ''): void => {
  host.simulator.act(Buffer.from(`${method} dom0 name ${qube}\x00${payload}`))
}

const record = (host: Host, qube = 'win10-home'): unknown =>
  JSON.parse(host.simulator.host.qubes.get(qube)?.features.get('qstate.applied') ?? 'null')

test('a spec that has lost its name says whose the qubes are that it no longer names, at no call', async (t) => {
  const host = await simulatedHost(t)
  const file = join(host.folder, 'spec.yaml')
  const both = 'qubes:\n  win10-work: { tags: [a] }\n  win10-home: { tags: [b] }\n'
  const one = 'qubes:\n  win7-oem: { tags: [c] }\n'
  const plan = async (text: string): Promise<{ err: string; calls: number }> => {
    writeFileSync(file, `apiVersion: qstate/v1\n${text}`)
    host.simulator.clearLog()
    const { code, err } = await host.qstate('plan', file)
    assert.equal(code, 0, err)
    return { err, calls: host.simulator.requests.length }
  }
  const before = await plan(one)
  assert.equal(before.err, '')
  writeFileSync(file, `apiVersion: qstate/v1\nname: office\n${both}`)
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  const lost = await plan(one)
  assert.match(
    lost.err.replace(/\s+/g, ' '),
    /no name, and “office” owns settings .*: win10-home, win10-work .*`name: office`/,
  )
  assert.equal(lost.calls, before.calls)
  const other = await plan(`name: other\n${one}`)
  assert.match(other.err.replace(/\s+/g, ' '), /“other”, and “office” owns settings .*`formerly: \[office\]`/)
})

test('a label that is no longer named is what it was before, and is never reset: it has no default', async (t) => {
  const host = await simulatedHost(t)
  const before = host.simulator.host.qubes.get('win10-home')?.properties.get('label')
  await host.qstate('apply', '--yes', spec(host, '{ qube: { label: purple, vcpus: 3 } }'))
  const { code, out } = await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 3 } }'))
  assert.equal(code, 0)
  assert.match(out, /label +purple → green, as before qstate +withdrawn/)
  assert.deepEqual(
    host.simulator.requests.filter((r) => r.method === 'admin.vm.property.Reset'),
    [],
  )
  assert.equal(host.simulator.host.qubes.get('win10-home')?.properties.get('label'), before)
})

test('a value of ours that has been replaced is somebody’s once it is set again', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ qube: { memory: 4500 } }'))
  const second = await host.qstate('apply', '--yes', spec(host, '{ qube: { memory: 5500 } }'))
  assert.match(
    second.out,
    /Plan: 1 change \(1 changed\) in 1 qube, 2 writes\.[^]*Done: 1 applied; 2 writes\./,
  )
  assert.deepEqual((record(host) as { was?: unknown }).was, undefined)
  act(host, 'admin.vm.property.Set+memory', 'win10-home', '4500')
  assert.match(
    (await host.qstate('plan', spec(host, '{ qube: { memory: 5500 } }'))).out,
    /4500 MiB → 5500 MiB +drift/,
  )
  const dropped = await host.qstate('plan', spec(host, '{ qube: { vcpus: 2 } }'))
  assert.match(dropped.out, /qube memory: no longer named, and changed since by someone else: left as it is/)
})

test('rollback gives up what was taken over, and everything that it had set', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ qube: { memory: 4096 } }'))
  assert.ok(record(host))
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 0, out)
  assert.equal(record(host), null)
})

for (const release of ['4.3', '4.4'] as const) {
  test(`rollback of a release takes the settings back, and the one before it can be undone from there (${release})`, async (t) => {
    const host = await simulatedHost(t, { release })
    await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 3 }, tags: [office] }'))
    await host.qstate('release', '--yes', 'win10-home')
    const back = await host.qstate('rollback', '--yes')
    assert.equal(back.code, 0, back.out)
    assert.match(back.out, /Undoing generation 2 \(release by /)
    assert.match(back.out, /2 settings are qstate’s again\n/)
    assert.deepEqual(Object.keys((record(host) as { set: object }).set), ['qube/vcpus', 'tags/office'])
    const further = await host.qstate('rollback', '--yes', '1')
    assert.equal(further.code, 0, further.out)
    assert.match(further.out, /Undoing generations 1 to 3\./)
    assert.equal(host.simulator.host.qubes.get('win10-home')?.tags.has('office'), false)
    assert.equal(record(host), null)
  })
}

test('a rollback that finds nothing left says so, and which one goes further back', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 3 } }'))
  await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 4 } }'))
  act(host, 'admin.vm.property.Set+vcpus', 'win10-home', '3')
  await host.qstate('rollback', '--yes')
  host.simulator.setFaults([{ match: { method: 'admin.vm.property.Set', arg: 'vcpus' }, do: 'refuse' }])
  assert.equal((await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 4 } }'))).code, 3)
  host.simulator.setFaults([])
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 0, out)
  assert.match(out, /Nothing more of it can be undone\. `qstate rollback 3` undoes generation 3 as well\./)
})

test('rollback writes nothing over a record that it cannot read', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ qube: { memory: 4500 } }'))
  act(host, 'admin.vm.feature.Set+qstate.applied', 'win10-home', '{"v":3}')
  host.simulator.clearLog()
  const { code, out } = await host.qstate('rollback', '--yes')
  assert.equal(code, 1)
  assert.match(out, /the ownership record is of version 3/)
  assert.equal(host.simulator.writes(), 0)
})

test('a qube dropped from a named configuration is withdrawn; one that does not tell whose it is is told', async (t) => {
  const host = await simulatedHost(t)
  const head = 'name: laptop\n'
  await host.qstate('apply', '--yes', spec(host, '{ qube: { vcpus: 3 } }', 'win7-oem', head))
  const other = spec(host, '{ qube: { vcpus: 3 } }', 'win10-home', head)
  assert.match(
    (await host.qstate('plan', other)).out,
    /win7-oem[^]*vcpus +3 → default, as before qstate +withdrawn/,
  )
  host.simulator.setFaults([
    { match: { method: 'admin.vm.feature.Get', arg: 'qstate.applied', dest: 'win7-oem' }, do: 'refuse' },
  ])
  const { code, out } = await host.qstate('plan', other)
  assert.equal(code, 0)
  assert.match(out, /whether this configuration has set anything here is not known/)
  const unnamed = await host.qstate('plan', spec(host, '{ qube: { vcpus: 3 } }'))
  assert.doesNotMatch(unnamed.out, /win7-oem/)
})

test('a Windows qube that leaves the spec is what it was before: nothing that it needs to boot is taken away', async (t) => {
  const host = await simulatedHost(t)
  const stateOf = (): unknown => {
    const { properties, features, tags } = host.simulator.host.qubes.get('win10-home') ?? {}
    return [properties, features, tags].map((part) => [...(part ?? [])].map(String).sort())
  }
  const before = stateOf()
  const path = spec(host, '{ extends: windows-11, qube: { memory: 7000 } }', 'win10-home', 'name: desk\n')
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  writeFileSync(path, 'apiVersion: qstate/v1\nname: desk\nqubes: {}\n')
  const { out } = await host.qstate('plan', path)
  assert.match(out, /memory +7000 MiB → [^\n]*, as before qstate +withdrawn/)
  assert.doesNotMatch(out, /(?:virtMode|kernel) .*→/)
  const consent = ['--allow-withdraw', 'win10-home']
  assert.equal((await host.qstate('apply', '--yes', ...consent, path)).code, 0)
  assert.deepEqual(stateOf(), before)
})

test('the SLIC template of a qube that is not there any more is shown until it is removed', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', 'examples/windows-7-oem.yaml')
  host.simulator.host.qubes.delete('win7-oem')
  const plan = await host.qstate('plan', 'examples/windows-10.yaml')
  assert.equal(plan.code, 0)
  assert.match(
    plan.out,
    /win7-oem is not there any more, and its SLIC template is: remove\s+\S+win7-oem\.xml/,
  )
  assert.match((await host.qstate('plan', 'examples/windows-10.yaml', '--json')).out, /"orphans"/)
})

test('unmanaged gives one setting up, and leaves it as it is', async (t) => {
  const host = await simulatedHost(t)
  await host.qstate('apply', '--yes', spec(host, '{ qube: { memory: 4500, vcpus: 3 } }'))
  const { code, out } = await host.qstate(
    'apply',
    '--yes',
    spec(host, '{ qube: { memory: unmanaged, vcpus: 3 } }'),
  )
  assert.equal(code, 0)
  assert.match(out, /qube memory: unmanaged by the spec: left as it is/)
  assert.equal(host.simulator.host.qubes.get('win10-home')?.properties.get('memory'), 4500)
  assert.match((await host.qstate('plan', spec(host, '{ qube: { vcpus: 3 } }'))).out, /Nothing to do/)
})
