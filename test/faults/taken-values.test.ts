import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedHost } from '../cli/run-cli.ts'
import { HEAD, settingsOfBody, source } from '../spec/manifests.ts'
import { loadManifest } from '../../spec/compose/load.ts'

/** What qubesd takes is taken, and what it refuses is refused while the spec is read. */

const codesOf = (body: string): readonly string[] =>
  loadManifest([source(`${HEAD}qubes:\n  win: ${body}\n`)]).diagnostics.flatMap(({ severity, code }) =>
    severity === 'error' ? [code] : [],
  )

test('a value as the documentation of Qubes writes it is taken', () => {
  const written: readonly (readonly [string, string, unknown])[] = [
    ['stubdom: { qrexec: 1 }', 'stubdom/qrexec', true],
    ['stubdom: { linux: "1" }', 'stubdom/linux', true],
    ['stubdom: { qrexec: "" }', 'stubdom/qrexec', false],
    ["qube: { gui: '' }", 'qube/features/gui', ''],
    ['qube: { guiEmulated: 1 }', 'qube/features/gui-emulated', '1'],
    ['qube: { features: { no-monitor-layout: 1 } }', 'qube/features/no-monitor-layout', '1'],
    ['audio: { model: "" }', 'audio/model', ''],
    ['audio: { latency: "" }', 'audio/latency', ''],
    ['qube: { netvm: "", kernel: "" }', 'qube/netvm', ''],
    ['audio: { audiovm: "" }', 'audio/audiovm', ''],
    ['audio: { audiovm: win }', 'audio/audiovm', 'win'],
    ['qube: { autostart: 1 }', 'qube/autostart', true],
    ['qube: { debug: 0 }', 'qube/debug', false],
    ['qube: { qrexecTimeout: 999999 }', 'qube/qrexecTimeout', 999_999],
    ['qube: { shutdownTimeout: 999999 }', 'qube/shutdownTimeout', 999_999],
    ['audio: { bufferLength: 20000000 }', 'audio/bufferLength', 20_000_000],
  ]
  for (const [body, path, value] of written) assert.deepEqual(settingsOfBody(body)[path], value, body)
})

test('interfaces of every class of devices can be denied, and of all classes at once', () => {
  const patterns = ['*******', 'p******', 'm******', 'b******', 'u080650', '*080650']
  const settings = settingsOfBody(`usb: { denied: ${JSON.stringify(patterns)} }`)
  assert.deepEqual(Object.keys(settings), patterns.map((pattern) => `usb/denied/${pattern}`).sort())
})

test('what is not the value of a property is refused where it is written', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['ip: 12345', 'bad-address'],
    ['ip: 10.137.0', 'bad-address'],
    ['ip: 10.137.0.256', 'bad-address'],
    ['ip: 10.137.0.007', 'bad-address'],
    ['ip: ""', 'bad-address'],
    ['ip: { value: "12345" }', 'bad-address'],
    ['ip6: fd09', 'bad-address'],
    ['ip6: "fd09:24ef::0:5"', 'bad-address'],
    ['mac: "00:16:3e:5e:6c"', 'bad-mac'],
    ['keyboard_layout: us', 'bad-value'],
    ['guivm: none', 'not-a-qube'],
    ['default_dispvm: "a b"', 'bad-name'],
    ['management_dispvm: 7', 'bad-name'],
    [`kernelopts: "${'x'.repeat(513)}"`, 'too-long'],
    ['backup_timestamp: soon', 'wrong-type'],
    ['template_for_dispvms: maybe', 'wrong-type'],
  ]
  for (const [property, code] of wrong)
    assert.deepEqual(codesOf(`{ qube: { properties: { ${property} } } }`), [code], property)
})

test('all of it is what the daemon takes: an apply ends well, and a second one has nothing to do', async (t) => {
  for (const release of ['4.3', '4.4'] as const) {
    const host = await simulatedHost(t, { release })
    const path = host.write(
      'spec.yaml',
      `${HEAD}qubes:
  win10-home:
    audio: { model: "", audiovm: win10-home }
    stubdom: { qrexec: 1 }
    usb: { denied: ["*******", p******, m******, b******] }
    qube:
      qrexecTimeout: 999999
      netvm: ""
      gui: ''
      autostart: 0
      properties:
        { ip: 10.137.0.99, ip6: "fd09:24ef::5", mac: "00:16:3e:5e:6c:01", keyboard_layout: de++, guivm: "", default_dispvm: "", kernelopts: quiet }
`,
    )
    const { code, out, err } = await host.qstate('apply', '--yes', path)
    assert.equal(code, 0, out + err)
    assert.match((await host.qstate('apply', '--yes', path)).out, /Nothing to do/)
  }
})
