import assert from 'node:assert/strict'
import { test } from 'node:test'
import { act } from '../support/requests.ts'
import { simulatedHost } from '../cli/run-cli.ts'

/** A plan is shown in the same words wherever it is shown. */

const HEAD = 'apiVersion: qstate/v1\nname: desk\n'

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
