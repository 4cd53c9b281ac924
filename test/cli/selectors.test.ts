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
