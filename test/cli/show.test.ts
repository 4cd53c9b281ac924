import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Host, simulatedHost } from './run-cli.ts'
import { type SimulatedVersion } from '../../simulator/index.ts'

const WORK = 'win10-work'
const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']

interface Shown {
  readonly settings: readonly {
    readonly path: string
    readonly value: unknown
    readonly origin: string
    readonly owned: boolean
    readonly problem?: Problem
  }[]
}

async function begin(
  t: TestContext,
  release: SimulatedVersion = '4.3',
): Promise<{
  readonly host: Host
  readonly send: (call: string, payload?: string) => void
  readonly settings: (qube?: string) => Promise<ReadonlyMap<string, Shown['settings'][number]>>
}> {
  const host = await simulatedHost(t, { release })
  return {
    host,
    send(call, payload = '') {
      const answer = host.simulator.act(Buffer.from(`${call}\0${payload}`))
      assert.equal(answer.toString('latin1'), '0\0', call)
    },
    async settings(qube = WORK) {
      const { code, out, err } = await host.qstate('show', '--json', qube)
      assert.equal(code, 0, err)
      const [shown] = JSON.parse(out) as Shown[]
      return new Map((shown?.settings ?? []).map((setting) => [setting.path, setting]))
    },
  }
}

for (const release of RELEASES) {
  test(`a property by its own name is shown as what is set: ${release}`, async (t) => {
    const { host, send, settings } = await begin(t, release)
    const spec = join(host.folder, 'spec.yaml')
    writeFileSync(
      spec,
      `apiVersion: qstate/v1\nqubes:\n  ${WORK}: { qube: { properties: { keyboard_layout: de++ } } }\n`,
    )
    assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
    send(`admin.vm.property.Set+default_dispvm dom0 name ${WORK}`, '')
    const shown = await settings()
    assert.deepEqual(shown.get('qube/properties/keyboard_layout'), {
      path: 'qube/properties/keyboard_layout',
      value: 'de++',
      origin: 'set',
      owned: true,
    })
    assert.equal(shown.get('qube/properties/default_dispvm')?.value, '')
    // What Qubes works out, and what is qstate's own, is nobody's setting.
    for (const path of ['qube/properties/uuid', 'qube/properties/qid', 'qube/features/qstate.applied'])
      assert.ok(!shown.has(path), path)
    assert.match((await host.qstate('show', WORK)).out, /^ {4}keyboard_layout +de\+\+ {2}\(qstate\)$/m)
  })
}

test('what is set and what no spec can name is shown, with the reason', async (t) => {
  const { host, send, settings } = await begin(t)
  const device = 'sys-usb+3-3+1234+5678+a+b+u080650'
  send(`admin.vm.device.usb.Assign+${device} dom0 name ${WORK}`, `mode='ask-to-attach'`)
  send(`admin.vm.device.usb.Assign+sys-usb+odd_port+_ dom0 name ${WORK}`, `mode='auto-attach'`)
  send(`admin.vm.tag.Set+__proto__ dom0 name ${WORK}`)
  const shown = await settings()
  const odd = [...shown.values()].filter(({ origin }) => origin === 'unmanaged')
  assert.deepEqual(
    odd.map(({ path, value }) => [path, value]),
    [
      ['usb/sys-usb+3-3:1234:5678:a:b:u080650', { mode: 'ask-to-attach' }],
      ['usb/sys-usb+odd_port:*', { mode: 'auto-attach' }],
      ['tags/__proto__', true],
    ],
  )
  const { out } = await host.qstate('show', WORK)
  assert.match(out, /ask-to-attach {2}not managed: .*name the port, with \* for the identity/)
  assert.match(out, /odd_port:\* +auto-attach {2}not managed: the port "odd_port" is not a USB port/)
})

for (const [method, path] of [
  ['admin.vm.feature.List', 'qube/features'],
  ['admin.vm.tag.List', 'tags/*'],
  ['admin.vm.device.usb.Assigned', 'usb/*'],
  ['admin.vm.device.denied.List', 'usb/denied'],
  ['admin.vm.property.*', 'qube/properties'],
] as const) {
  test(`what cannot be read is shown as that, and all else as it is: ${method}`, async (t) => {
    const { host, settings } = await begin(t)
    host.simulator.setFaults([{ match: { method, dest: WORK }, do: 'refuse' }])
    const shown = await settings()
    assert.equal(shown.get(path)?.origin, 'unknown')
    assert.match(shown.get(path)?.problem?.message ?? '', new RegExp(method.replace('*', '')))
    assert.ok([...shown.values()].some(({ origin }) => origin === 'set'))
    assert.match((await host.qstate('show', WORK)).out, /unknown: admin\.vm/)
  })
}

test('what an app qube has from its template is told in the words of its own', async (t) => {
  const { host, settings } = await begin(t)
  const inherited = (await settings('win11-office')).get('stubdom/qrexec')
  assert.deepEqual([inherited?.value, inherited?.origin], [true, 'template'])
  assert.match((await host.qstate('show', 'win11-office')).out, /^ {4}qrexec +on {2}from its template$/m)
})

test('nothing is said to be from a template where nobody knows what is set on the qube itself', async (t) => {
  const { host, settings } = await begin(t)
  host.simulator.setFaults([{ match: { method: 'admin.vm.feature.List' }, do: 'refuse' }])
  const shown = [...(await settings('win11-office')).values()]
  assert.ok(shown.every(({ origin }) => origin !== 'template'))
  assert.ok(shown.some(({ path, origin }) => path === 'qube/features' && origin === 'unknown'))
})

test('what an app qube has from its template is unknown where that cannot be read', async (t) => {
  const { host, settings } = await begin(t)
  assert.equal((await settings('win11-office')).get('audio/model')?.origin, 'template')
  host.simulator.setFaults([{ match: { method: 'admin.vm.feature.CheckWithTemplate' }, do: 'refuse' }])
  assert.equal((await settings('win11-office')).get('audio/model')?.origin, 'unknown')
})

test('a property that qubesd fails over is unknown, and hides no other', async (t) => {
  const { send, settings } = await begin(t)
  send(`admin.vm.property.Set+guivm dom0 name ${WORK}`, 'win10-home')
  send('admin.vm.property.Set+guivm dom0 name win10-home', WORK)
  const shown = await settings()
  assert.equal(shown.get('qube/properties/keyboard_layout')?.origin, 'unknown')
  assert.equal(shown.get('qube/memory')?.value, 8192)
})
