import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { act } from '../support/requests.ts'

/** A plan that changes what disposables are made from names those that there are. */

const call = (host: Host, dest: string, method: string, arg = '', payload = ''): void => {
  act(host.simulator, { dest, method: `admin.vm.${method}`, arg, payload })
}

const flat = (text: string): string => text.replace(/\s+/g, ' ')

/** `dvm`, of which disp-used runs and one is kept ready. */
function disposables(host: Host): string {
  call(host, 'dom0', 'Create.TemplateVM', '', 'name=other label=black')
  call(host, 'dom0', 'Create.AppVM', 'fedora-42', 'name=dvm label=red')
  call(host, 'dvm', 'property.Set', 'template_for_dispvms', 'True')
  call(host, 'dom0', 'Create.DispVM', 'dvm', 'name=disp-used label=red')
  call(host, 'disp-used', 'Start')
  for (const service of ['qubes.WaitForRunningSystem', 'qubes.WaitForSession'])
    call(host, 'fedora-42', 'feature.Set', `supported-rpc.${service}`, '1')
  call(host, 'dvm', 'feature.Set', 'preload-dispvm-max', '1')
  const ready = host.simulator.host.qubes.get('dvm')?.features.get('preload-dispvm') ?? ''
  assert.match(ready, /^disp[0-9]+$/)
  return ready
}

const spec = (host: Host, body: string): string =>
  host.write('spec.yaml', `apiVersion: qstate/v1\nname: test\nqubes: { dvm: { qube: ${body} } }\n`)

for (const release of ['4.3', '4.4'] as const) {
  test(`${release}: a change of a template names its disposables, those in use and those kept ready`, async (t) => {
    const host = await simulatedHost(t, { release })
    const ready = disposables(host)
    const plan = flat((await host.qstate('plan', spec(host, '{ properties: { template: other } }'))).out)
    assert.match(plan, /Qubes refuses this while disposables of it run: disp-used/)
    assert.match(plan, new RegExp(`its disposables that are kept ready are made anew: ${ready}`))
    call(host, 'disp-used', 'Shutdown')
    const free = flat((await host.qstate('plan', spec(host, '{ properties: { template: other } }'))).out)
    assert.doesNotMatch(free, /Qubes refuses/)
    assert.match(free, new RegExp(`kept ready are made anew: ${ready}`))
  })

  test(`${release}: so does any change that a disposable takes from it`, async (t) => {
    const host = await simulatedHost(t, { release })
    disposables(host)
    const plan = flat((await host.qstate('plan', spec(host, '{ memory: 700 }'))).out)
    assert.match(plan, /its running disposables keep what they were made with: disp-used/)
  })
}
