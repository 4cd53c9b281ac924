import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** A new qube never gets the tables of an old one of its name silently. */

const spec = (host: Host, body: string): string =>
  host.write('spec.yaml', `${HEAD}name: test\nqubes: { win7-new: ${body} }\n`)

const template = (host: Host): string =>
  join(`${host.socket}.dom0`, 'etc/qubes/templates/libvirt/xen/by-name/win7-new.xml')

/** A host on which a qube with tables of this machine was removed by hand. */
async function hostWithLeftover(t: TestContext): Promise<Host> {
  const host = await simulatedHost(t)
  assert.equal(
    (await host.qstate('apply', '--yes', spec(host, '{ ensure: { label: red }, slic: host }'))).code,
    0,
  )
  host.simulator.act(Buffer.from('admin.vm.Remove dom0 name win7-new\0'))
  assert.ok(existsSync(template(host)))
  host.simulator.clearLog()
  return host
}

test('without slic the creation is blocked, with the file that was left', async (t) => {
  const host = await hostWithLeftover(t)
  const path = spec(host, '{ ensure: { label: red }, qube: { vcpus: 3 } }')
  const { qubes } = JSON.parse((await host.qstate('plan', '--json', path)).out) as Plan
  assert.deepEqual(
    qubes[0]?.blocked.map(({ path: at, problem }) => [at, problem.code]),
    [[null, 'template-left']],
  )
  const { code, out } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 1)
  assert.match(out.replaceAll(/\s+/g, ' '), /remove \S+by-name\/win7-new\.xml/)
  assert.equal(host.simulator.writes(), 0)
})

test('with slic the new qube has what the spec says, in one apply', async (t) => {
  for (const slic of ['host', 'off']) {
    const host = await hostWithLeftover(t)
    const path = spec(host, `{ ensure: { label: red }, slic: ${slic} }`)
    const { code, out, err } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out + err)
    assert.ok(host.simulator.host.qubes.has('win7-new'))
    assert.equal(existsSync(template(host)), slic === 'host')
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  }
})
