import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Host, simulatedHost } from '../cli/run-cli.ts'
import { HEAD } from '../spec/manifests.ts'

/** What a value demands of other settings' values is set before it, and taken away after it: one apply is enough. */

const RELEASES = ['4.3', '4.4'] as const

const spec = (host: Host, qubes: string): string =>
  host.write('spec.yaml', `${HEAD}name: test\nqubes:\n${qubes}`)

async function appliesAtOnce(host: Host, qubes: string): Promise<void> {
  const path = spec(host, qubes)
  const { code, out, err } = await host.qstate('apply', '--yes', path)
  assert.equal(code, 0, out + err)
  assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
}

test('a qube that is its own template for disposables is made one first', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const own = 'default_dispvm: win11-office, template_for_dispvms: true, management_dispvm: win11-office'
    await appliesAtOnce(host, `  win11-office: { qube: { properties: { ${own} } } }\n`)
    const off = 'default_dispvm: "", template_for_dispvms: false, management_dispvm: ""'
    await appliesAtOnce(host, `  win11-office: { qube: { properties: { ${off} } } }\n`)
  }
})

test('all of it is withdrawn at once, too', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const dvm = (own: string, other: string): string =>
      `  ${own}: { qube: { vcpus: 3, properties: { template_for_dispvms: true, default_dispvm: ${other} } } }\n`
    await appliesAtOnce(host, dvm('win11-office', 'win11-untrusted') + dvm('win11-untrusted', 'win11-office'))
    const path = spec(
      host,
      '  win11-office: { qube: { vcpus: 3 } }\n  win11-untrusted: { qube: { vcpus: 3 } }\n',
    )
    const { code, out, err } = await host.qstate('apply', '--yes', '--allow-withdraw', '4', path)
    assert.equal(code, 0, out + err)
    for (const name of ['win11-office', 'win11-untrusted'])
      assert.equal(host.simulator.host.qubes.get(name)?.properties.has('template_for_dispvms'), false)
  }
})

test('a limit of disposables that are kept ready comes after the features that it asks for', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    const features = [
      'preload-dispvm-max: 0',
      'qrexec: 1',
      'gui: 1',
      'supported-rpc.qubes.WaitForRunningSystem: 1',
      'supported-rpc.qubes.WaitForSession: 1',
    ]
    await appliesAtOnce(
      host,
      `  live-linux: { qube: { features: { ${features.join(', ')} }, properties: { template_for_dispvms: true } } }\n`,
    )
  }
})
