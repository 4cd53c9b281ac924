import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { act } from '../support/requests.ts'
import { type Host, simulatedHost } from '../cli/run-cli.ts'

/** A plan names what its apply needs, in the same words wherever it is shown; a name in a flag that fits nothing is an error. */

const HEAD = 'apiVersion: qstate/v1\nname: desk\n'
const OWN = 'win-own: { ensure: { class: StandaloneVM, label: red }, qube: { memory: 4000 } }'

/** A host with a qube that the configuration has created, and a spec that has it removed. */
async function withRemoval(t: TestContext): Promise<{ host: Host; file: string }> {
  const host = await simulatedHost(t)
  const file = host.write('spec.yaml', `${HEAD}qubes: { ${OWN} }\n`)
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  host.write('spec.yaml', `${HEAD}qubes: { win-own: { ensure: absent } }\n`)
  return { host, file }
}

test('a plan that removes a qube names the flag that its apply needs', async (t) => {
  const { host, file } = await withRemoval(t)
  const { out } = await host.qstate('plan', file)
  assert.match(out, /WILL BE REMOVED[^]*Consent needed: .*--allow-remove win-own\./)
})

test('a name in --allow-remove, --allow-withdraw or --target that no qube has is an error with the nearest one', async (t) => {
  const { host, file } = await withRemoval(t)
  const saved = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', '-o', saved, file)).code, 0)
  host.simulator.clearLog()
  const wrong: readonly (readonly string[])[] = [
    ['--allow-remove', 'win-onw', file],
    ['--allow-remove', 'win-own', '--allow-remove', 'win-onw', file],
    ['--allow-remove', 'win-onw', saved],
    ['--allow-withdraw', 'win-onw', file],
    ['--allow-withdraw', 'win10-work,win-onw', file],
    ['--target', 'win-onw', file],
  ]
  for (const argv of wrong) {
    const { code, err } = await host.qstate('apply', '--yes', ...argv)
    assert.equal(code, 64, err)
    assert.match(err, /there is no qube “win-onw”\n +did you mean win-own\?/)
  }
  assert.ok(host.simulator.requests.every(({ write }) => !write))
  const allowed = ['apply', '--yes', '--allow-remove', 'win-own', file]
  assert.equal((await host.qstate(...allowed)).code, 0)
  assert.equal((await host.qstate(...allowed)).code, 0, 'again, once it is gone: the spec still names it')
})

test('plan and apply print one plan, with what explains it, whether or not a person is asked', async (t) => {
  const host = await simulatedHost(t)
  act(host.simulator, {
    dest: 'win11-template',
    method: 'admin.vm.feature.Set',
    arg: 'audio-model',
    payload: 'ich6',
  })
  const payload = `device_id='*' port_id='2-1' devclass='usb' backend_domain='sys-usb' mode='auto-attach' frontend_domain='win10-home'`
  act(host.simulator, {
    dest: 'win10-home',
    method: 'admin.vm.device.usb.Assign',
    arg: 'sys-usb+2-1+_',
    payload,
  })
  const file = host.write(
    'spec.yaml',
    `${HEAD}qubes:
  win11-office: { audio: off, qube: { memory: 4096 } }
  win7-oem: { stubdom: { qrexec: true }, usb: { "sys-usb+2-1:*": auto-attach } }
`,
  )
  const planned = (await host.qstate('plan', file)).out.trim()
  assert.match(planned, /ich6 from its template/)
  assert.match(planned, /win10-home takes it by itself, too/)
  const asked = await host.qstateWith({ terminal: true, answers: ['n'] }, 'apply', '--no-color', file)
  assert.equal(asked.out.trim(), planned)
  const applied = await host.qstate('apply', '--yes', file)
  assert.equal(applied.code, 0, applied.out)
  assert.equal(applied.out.slice(0, planned.length), planned)
})
