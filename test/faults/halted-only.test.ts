import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** What only a halted qube takes is made between shutdown and start, where the spec lets the qube be restarted. */

const call = (host: Host, dest: string, method: string, arg = '', payload = ''): void => {
  act(host.simulator, { dest, method: `admin.vm.${method}`, arg, payload })
}

async function world(t: Parameters<typeof simulatedHost>[0], release: '4.3' | '4.4'): Promise<Host> {
  const host = await simulatedHost(t, { release })
  call(host, 'dom0', 'Create.TemplateVM', '', 'name=other label=black')
  call(host, 'win11-office', 'Start')
  return host
}

const spec = (host: Host, restart: string, more = ''): string =>
  host.write(
    'spec.yaml',
    `apiVersion: qstate/v1\nname: test\nqubes: { win11-office: { restart: ${restart}, qube: { ${more}properties: { template: other } } } }\n`,
  )

const did = (host: Host): readonly string[] =>
  host.simulator.requests.flatMap(({ method, arg, dest }) =>
    dest === 'win11-office' && (/[.](?:Shutdown|Start)$/.test(method) || arg === 'template')
      ? [method.replace('admin.vm.', '')]
      : [],
  )

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: with restart now another template is set between shutdown and start`, async (t) => {
    const host = await world(t, release)
    const plan = await host.qstate('plan', spec(host, 'now'))
    assert.equal(plan.code, 0, plan.out)
    assert.match(plan.out, /template → other/)
    assert.match(plan.out, /To be restarted by the apply.*win11-office/)
    host.simulator.clearLog()
    const { code, out, err } = await host.qstate('apply', '--yes', spec(host, 'now'))
    assert.equal(code, 0, out + err)
    assert.deepEqual(
      did(host).filter((method) => !/Get$/.test(method)),
      ['Shutdown', 'property.Set', 'Start'],
    )
    assert.equal(host.simulator.host.qubes.get('win11-office')?.properties.get('template'), 'other')
    assert.equal(host.simulator.host.qubes.get('win11-office')?.state, 'Running')
    assert.match((await host.qstate('status', spec(host, 'now'))).out, /All as wanted/)
    host.simulator.clearLog()
    assert.equal((await host.qstate('apply', '--yes', spec(host, 'now'))).code, 0)
    assert.deepEqual(
      did(host).filter((method) => !/Get$/.test(method)),
      [],
    )
  })

  test(`${release}: so it is beside what a running qube takes, and can be rolled back while it is halted`, async (t) => {
    const host = await world(t, release)
    const { code, out } = await host.qstate('apply', '--yes', spec(host, 'now', 'memory: 6144, '))
    assert.equal(code, 0, out)
    const { properties } = host.simulator.host.qubes.get('win11-office') ?? assert.fail()
    assert.deepEqual([properties.get('template'), properties.get('memory')], ['other', 6144])
    host.simulator.powerOff('win11-office')
    assert.equal((await host.qstate('rollback', '--yes')).code, 0)
    assert.equal(properties.get('template'), 'win11-template')
  })

  test(`${release}: a template that cannot be set is told, and the qube is started again`, async (t) => {
    const host = await world(t, release)
    host.simulator.setFaults([{ match: { method: 'admin.vm.property.Set', arg: 'template' }, do: 'refuse' }])
    const { code, out } = await host.qstate('apply', '--yes', spec(host, 'now'))
    assert.equal(code, 3, out)
    assert.equal(host.simulator.host.qubes.get('win11-office')?.state, 'Running')
    assert.match(out, /property\.Set\+template on win11-office: refused/)
  })

  test(`${release}: without restart such a change is blocked while the qube runs`, async (t) => {
    const host = await world(t, release)
    const { code, out } = await host.qstate('plan', spec(host, 'never'))
    assert.equal(code, 1)
    assert.match(out, /Qubes changes the template of a halted qube only/)
  })
}
