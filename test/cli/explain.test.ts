import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { act } from '../support/requests.ts'
import { type Host, simulatedHost } from './run-cli.ts'

const RELEASES = ['4.3', '4.4'] as const

function spec(host: Host, qubes: string): string {
  const path = join(host.folder, 'spec.yaml')
  writeFileSync(path, `apiVersion: qstate/v1\nqubes:\n${qubes}`)
  return path
}

const give = (host: Host, dest: string, method: string, arg: string, payload = ''): void => {
  act(host.simulator, { dest, method, arg, payload })
}

/** Another program lets a qube take whatever is on a port. */
function assign(host: Host, qube: string, port: string, mode = 'auto-attach'): void {
  const method = 'admin.vm.device.usb'
  const payload = `device_id='*' port_id='${port}' devclass='usb' backend_domain='sys-usb' mode='${mode}' frontend_domain='${qube}'`
  give(host, qube, `${method}.Assign`, `sys-usb+${port}+_`, payload)
}

const OFFICE = '  win11-office:\n    audio: off\n    qube: { guiEmulated: true, memory: 4096 }\n'

test('a plan tells what a qube has from its template, and what is a default, for what it changes', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    give(host, 'win11-template', 'admin.vm.feature.Set', 'audio-model', 'ich6')
    const path = spec(host, OFFICE)
    const { out } = await host.qstate('plan', path)
    assert.match(out, /model +inherited \(ich6 from its template\) → off/)
    assert.match(out, /gui-emulated +inherited → 1/)
    assert.match(out, /memory +default \(8192 MiB\) → 4096 MiB/)
    const plan = JSON.parse((await host.qstate('plan', '--json', path)).out) as Plan
    const model = plan.qubes[0]?.changes.find((change) => change.path === 'audio/model')
    assert.equal(model?.inherited, 'ich6')
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    host.simulator.clearLog()
    await host.qstate('plan', path)
    const asked = host.simulator.requests.filter(({ method }) => method.endsWith('CheckWithTemplate'))
    assert.deepEqual(asked, [], 'a settled qube is not asked')
    const back = await host.qstate('plan', spec(host, '  win11-office:\n    audio: inherit\n'))
    assert.match(back.out, /model +off → inherited \(ich6 from its template\)/)
  }
})

test('a plan tells which qubes outside the spec take a device by themselves, too', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    assign(host, 'win10-home', '2-1')
    assign(host, 'live-linux', '2-1', 'ask-to-attach')
    const path = spec(
      host,
      '  win7-oem:\n    stubdom: { qrexec: true }\n    usb: { "sys-usb+2-1:*": auto-attach }\n',
    )
    const { code, out } = await host.qstate('plan', path)
    assert.equal(code, 0)
    assert.match(out, /^ +win10-home takes it by itself, too: whichever starts first has it$/m)
    assert.doesNotMatch(out, /live-linux/)
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    host.simulator.clearLog()
    await host.qstate('plan', path)
    const asked = host.simulator.requests.filter(({ method }) => method.includes('device.usb'))
    assert.equal(asked.length, 1, 'a settled host is not asked')
  }
})

test('a device that moves from one qube of the spec to another is contested by nobody', async (t) => {
  const host = await simulatedHost(t)
  const usb = '{ "sys-usb+2-1:*": auto-attach }'
  const body = (win7: string, home: string): string =>
    [
      `  win7-oem:\n    stubdom: { qrexec: true }\n    usb: ${win7}\n`,
      `  win10-home:\n    stubdom: { qrexec: true }\n    usb: ${home}\n`,
    ].join('')
  assert.equal((await host.qstate('apply', '--yes', spec(host, body(usb, '{}')))).code, 0)
  const { out } = await host.qstate('plan', spec(host, body('{}', usb)))
  assert.match(out, /auto-attach/)
  assert.doesNotMatch(out, /by itself, too/)
})

test('SLIC and USB count for a disposable that keeps its name, and not for those that its template makes', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    give(host, 'win11-office', 'admin.vm.property.Set', 'template_for_dispvms', 'True')
    give(host, 'dom0', 'admin.vm.Create.DispVM', 'win11-office', 'name=win-disp label=red')
    const body = (qube: string): string =>
      `  ${qube}:\n    slic: host\n    stubdom: { qrexec: true }\n    usb: { "sys-usb+2-1:*": auto-attach }\n`
    const named = await host.qstate('apply', '--yes', spec(host, body('win-disp')))
    assert.equal(named.code, 0, named.out + named.err)
    assert.doesNotMatch(named.out, /disposable/)
    const again = await host.qstate('plan', spec(host, body('win-disp')))
    assert.match(again.out, /Nothing to do/)

    const template = await host.qstate('plan', spec(host, body('win11-office')))
    assert.equal(template.code, 0)
    const told = template.out.match(/counts for this qube, and for none of its disposables/g)
    assert.equal(told?.length, 2, template.out)

    give(host, 'dom0', 'admin.vm.Create.DispVM', 'win11-office', 'name=disp1234 label=red')
    const unnamed = await host.qstate('plan', spec(host, body('disp1234')))
    assert.equal(unnamed.code, 1)
    assert.match(unnamed.out, /! slic tables: it counts at the next start, and this disposable is deleted/)
    assert.match(unnamed.out, /qvm-create --class DispVM/)
    assert.match(unnamed.out, /goes with this disposable/)
  }
})

test('a plan of a template tells which of its app qubes run, and have what changes from their next start on', async (t) => {
  for (const release of RELEASES) {
    const host = await simulatedHost(t, { release })
    give(host, 'win11-office', 'admin.vm.Start', '')
    const path = spec(host, '  win11-template:\n    audio: ac97\n')
    const { out } = await host.qstate('plan', path)
    assert.match(
      out.replace(/\s+/g, ' '),
      /reaches its running app qubes at their own next start: win11-office Plan/,
    )
    assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
    host.simulator.clearLog()
    await host.qstate('plan', path)
    assert.deepEqual(
      host.simulator.requests.filter(({ method }) => method.includes('property')).map(({ dest }) => dest),
      [],
      'a settled host is not asked',
    )
  }
})

test('a qube that is still to be created is not asked, and its template is', async (t) => {
  const host = await simulatedHost(t)
  give(host, 'win11-template', 'admin.vm.feature.Set', 'audio-model', 'ich6')
  const path = spec(host, '  a-app:\n    ensure: { template: win11-template, label: red }\n    audio: off\n')
  const { out } = await host.qstate('plan', path)
  assert.match(out, /model +inherited \(ich6 from its template\) → off/)
  assert.doesNotMatch(out, /is not told/)
  const both = '  a-app: { ensure: { template: z-tpl, label: red }, audio: off }\n'
  const made = spec(host, `${both}  z-tpl: { ensure: { class: TemplateVM, label: black } }\n`)
  const later = await host.qstate('plan', made)
  assert.equal(later.code, 0)
  assert.match(later.out, /model +inherited → off/)
  assert.doesNotMatch(later.out, /is not told/)
})
