import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Host, simulatedHost } from './run-cli.ts'

/** A host on which a selector has set the number of CPUs of `win10-home`, which then no longer tells its tags. */
async function hostWithoutTags(
  t: TestContext,
  qubes: string,
): Promise<{ readonly host: Host; readonly spec: string; readonly vcpus: () => unknown }> {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  const name = 'win10-home'
  host.simulator.act(Buffer.from(`admin.vm.tag.Set+office dom0 name ${name}\0`))
  writeFileSync(
    spec,
    `apiVersion: qstate/v1\nname: home\n${qubes}select:\n  - { match: { tag: office }, qube: { vcpus: 3 } }\n`,
  )
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  host.simulator.setFaults([{ match: { method: 'admin.vm.tag.*', dest: name }, do: 'refuse' }])
  host.simulator.clearLog()
  return {
    host,
    spec,
    vcpus: () => host.simulator.host.qubes.get(name)?.properties.get('vcpus'),
  }
}

for (const [what, qubes] of [
  ['named nowhere else', ''],
  ['named besides', 'qubes:\n  win10-home: { qube: { memory: 4500 } }\n'],
] as const) {
  test(`what a selector has set on a qube is not taken back when its tags are refused: ${what}`, async (t) => {
    const { host, spec, vcpus } = await hostWithoutTags(t, qubes)
    assert.equal(vcpus(), 3)
    const { code, out } = await host.qstate('apply', '--yes', spec)
    assert.equal(code, 1)
    assert.match(out, /! whether a selector means it is not known: .*tag.*refused/)
    assert.match(out, /policy/)
    assert.equal(vcpus(), 3)
    assert.equal(host.simulator.writes(), 0)
  })
}

for (const release of ['4.3', '4.4'] as const) {
  test(`a selector means disposables for one use, and remote qubes, only by their class: ${release}`, async (t) => {
    const host = await simulatedHost(t, { release })
    const send = (call: string, payload: string): void => {
      const answer = host.simulator.act(Buffer.from(`${call}\0${payload}`))
      assert.equal(answer.toString('latin1'), '0\0', call)
    }
    send('admin.vm.property.Set+template_for_dispvms dom0 name win11-office', 'True')
    const create = (name: string, kind: string): void => {
      send(`admin.vm.Create.${kind} dom0 name dom0`, `name=${name} label=red`)
      send(`admin.vm.tag.Set+office dom0 name ${name}`, '')
    }
    create('disp12', 'DispVM+win11-office')
    create('disp-named', 'DispVM+win11-office')
    create('disp34', 'StandaloneVM')
    create('far-away', 'RemoteVM')
    const planned = async (match: string, qubes = '{}'): Promise<readonly string[]> => {
      const spec = join(host.folder, 'spec.yaml')
      const select = `select: [{ match: ${match}, qube: { features: { x: 1 } } }]`
      writeFileSync(spec, `apiVersion: qstate/v1\nqubes: ${qubes}\n${select}\n`)
      const { code, out, err } = await host.qstate('plan', '--json', spec)
      assert.equal(code, 0, out + err)
      return (JSON.parse(out) as { qubes: { qube: string }[] }).qubes.map(({ qube }) => qube).sort()
    }
    assert.deepEqual(await planned('{ tag: office }'), ['disp-named', 'disp34'])
    assert.deepEqual(await planned('{ name: "disp*" }'), ['disp-named', 'disp34'])
    assert.deepEqual(await planned('{ class: DispVM }'), ['disp-named', 'disp12'])
    assert.deepEqual(await planned('{ tag: office, class: DispVM }'), ['disp-named', 'disp12'])
    assert.deepEqual(await planned('{ name: disp12 }'), ['disp12'])
    assert.deepEqual(
      await planned('{ tag: none }', '{ disp12: { qube: { features: { x: 1 } } } }'),
      ['disp12'],
      'one that is named is meant',
    )
    assert.deepEqual(await planned('{ class: RemoteVM }'), ['far-away'])
    assert.deepEqual(await planned('{ name: far-* }'), [])
    assert.deepEqual(await planned('{ name: far-away }'), ['far-away'])
  })
}

test('one apply gives a tag and what a selector gives for it, also to a qube that it creates', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  const body = 'tags: [lab]'
  const created = `{ ensure: { class: StandaloneVM, label: red }, ${body} }`
  writeFileSync(
    spec,
    `apiVersion: qstate/v1\nname: home\nqubes: { win10-home: { ${body} }, win-new: ${created} }\nselect: [{ match: { tag: lab }, qube: { vcpus: 4 } }]\n`,
  )
  const applied = await host.qstate('apply', '--yes', spec)
  assert.equal(applied.code, 0, applied.out + applied.err)
  for (const name of ['win10-home', 'win-new'])
    assert.equal(host.simulator.host.qubes.get(name)?.properties.get('vcpus'), 4, name)
  host.simulator.clearLog()
  assert.match((await host.qstate('apply', '--yes', spec)).out, /Nothing to do/)
  assert.equal(host.simulator.writes(), 0)
})

test('the policy that is printed lets a management qube give a tag and what a selector gives for it at once', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(
    spec,
    'apiVersion: qstate/v1\nqubes: { win10-home: { tags: [lab] } }\nselect: [{ match: { tag: lab }, qube: { vcpus: 4 } }]\n',
  )
  const { code, out } = await host.qstate('policy', '--qube', 'mgmt', spec)
  assert.equal(code, 0)
  assert.match(out, /property\.Set +\+vcpus +mgmt +win10-home +allow/)
})
