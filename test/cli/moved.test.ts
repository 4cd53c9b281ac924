import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { cloneQube, removeQube, renameQube } from '../support/rename.ts'
import { act } from '../support/requests.ts'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** Qubes that were renamed, by clone and removal, and configurations that have another name. */

interface Renaming extends Host {
  /** Runs a command on a spec with this text below its name. */
  run(command: string, text: string): Promise<Result>
  plan(text: string): Promise<Plan>
  /** Applies one, which has to go well. How many calls wrote. */
  apply(text: string): Promise<number>
  /** A property, a feature or, by its tag, `true`. */
  property(qube: string, name: string): unknown
  feature(qube: string, name: string): string | undefined
  record(qube: string): { uuid: string; name?: string; set: Record<string, unknown> } | null
  template(qube: string): string
  set(qube: string, property: string, value: string): void
}

async function renaming(t: TestContext, name = 'office'): Promise<Renaming> {
  const host = await simulatedHost(t)
  const { simulator } = host
  const run = (command: string, text: string): Promise<Result> => {
    const head = text.startsWith('name:') ? '' : `name: ${name}\n`
    const path = host.write('spec.yaml', `apiVersion: qstate/v1\n${head}${text}`)
    return host.qstate(...command.split(' '), path)
  }
  const feature = (qube: string, of: string): string | undefined =>
    simulator.host.qubes.get(qube)?.features.get(of)
  return {
    ...host,
    run,
    async plan(text) {
      const { code, out, err } = await run('plan --json', text)
      assert.equal(code, 0, out + err)
      return JSON.parse(out) as Plan
    },
    async apply(text) {
      simulator.clearLog()
      const { code, out, err } = await run('apply --yes --allow-withdraw =99', text)
      assert.equal(code, 0, out + err)
      return simulator.writes()
    },
    property: (qube, of) => simulator.host.qubes.get(qube)?.properties.get(of),
    feature,
    record: (qube) => JSON.parse(feature(qube, 'qstate.applied') ?? 'null') as ReturnType<Renaming['record']>,
    template: (qube) => join(`${host.socket}.dom0`, 'etc/qubes/templates/libvirt/xen/by-name', `${qube}.xml`),
    set(qube, property, value) {
      act(simulator, { dest: qube, method: 'admin.vm.property.Set', arg: property, payload: value })
    },
  }
}

const MOVED = 'moved: [{ from: win10-home, to: win10-new }]\n'
const BODY = '{ slic: host, audio: ich6, qube: { memory: 5000, vcpus: 3 }, tags: [office] }'
const OLD = `qubes:\n  win10-home: ${BODY}\n`
const NEW = `${MOVED}qubes:\n  win10-new: ${BODY}\n`

test('a renamed qube keeps what qstate set and what was there before, and its template follows', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  const old = host.record('win10-home')
  const template = readFileSync(host.template('win10-home'), 'utf8')
  renameQube(host.simulator, 'win10-home', 'win10-new')

  const { out } = await host.run('plan', NEW)
  assert.match(out, /^ +· moved from win10-home: 5 settings and their originals follow$/m)
  assert.match(out, /tables +none → host:SLIC +changed/)
  assert.match(out, /win10-home does not exist any more, and its SLIC template will be removed/)
  const [planned] = (await host.plan(NEW)).qubes
  assert.deepEqual(planned?.movedFrom, { qube: 'win10-home', uuid: old?.uuid })
  assert.equal(planned.notes[0]?.kind, 'moved')

  assert.equal(await host.apply(NEW), 1, 'the record, beside the files of the templates')
  assert.equal(readFileSync(host.template('win10-new'), 'utf8'), template)
  assert.equal(existsSync(host.template('win10-home')), false)
  const record = host.record('win10-new')
  assert.deepEqual(record?.set, old?.set)
  assert.equal(record?.uuid, host.property('win10-new', 'uuid'))
  const settled = await host.run('plan', NEW)
  assert.match(settled.out, /Nothing to do: 1 qube as wanted\./)
  assert.doesNotMatch(settled.out, /moved/)
  assert.equal(await host.apply(NEW), 0)

  // The line can go, and what is dropped then goes back to what it was on the qube that is gone.
  assert.equal(await host.apply(`qubes:\n  win10-new: ${BODY}\n`), 0)
  await host.apply('qubes: {}\n')
  assert.equal(host.record('win10-new'), null)
  assert.equal(host.feature('win10-new', 'audio-model'), '')
  assert.equal(host.property('win10-new', 'memory'), 4096)
  assert.equal(host.property('win10-new', 'vcpus'), undefined)
  assert.equal(existsSync(host.template('win10-new')), false)
})

test('what leaves before and after a rename adds up, whatever else was applied in between', async (t) => {
  const host = await renaming(t)
  const tags = (from: number): string =>
    `tags: [${Array.from({ length: 20 - from }, (_, number) => `t${from + number}`).join()}]`
  await host.apply(`qubes:\n  win10-home: { ${tags(0)} }\n`)
  assert.equal((await host.plan(`qubes:\n  win10-home: { ${tags(8)} }\n`)).consent, undefined)
  const path = host.write(
    'first.yaml',
    `apiVersion: qstate/v1\nname: office\nqubes: { win10-home: { ${tags(8)} } }\n`,
  )
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  const other = host.write(
    'other.yaml',
    'apiVersion: qstate/v1\nname: lab\nqubes: { win7-oem: { tags: [lab] } }\n',
  )
  assert.equal((await host.qstate('apply', '--yes', other)).code, 0)
  const { consent } = await host.plan(`${MOVED}qubes:\n  win10-new: { ${tags(16)} }\n`)
  assert.equal(consent?.withdrawals.length, 8)
})

test('while the origin is on the host nothing passes over, and nothing of it is withdrawn', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  const early = await host.run('plan', NEW)
  assert.match(
    early.out.replace(/\s+/g, ' '),
    /win10-new ! there is no such qube, and win10-home is still on the host.* clone win10-home to win10-new/,
  )
  cloneQube(host.simulator, 'win10-home', 'win10-new')
  host.simulator.clearLog()
  const { code, out } = await host.run('apply --yes', NEW)
  assert.equal(code, 1)
  assert.match(
    out.replace(/\s+/g, ' '),
    /win10-home is still on the host.* remove win10-home first, or drop the line/,
  )
  assert.equal(host.simulator.writes(), 0)
  removeQube(host.simulator, 'win10-home')
  await host.apply(NEW)
  assert.equal(host.record('win10-new')?.uuid, host.property('win10-new', 'uuid'))
  // Another qube of the old name is nobody's, and the line says so until it is dropped.
  cloneQube(host.simulator, 'win10-new', 'win10-home')
  assert.match((await host.run('plan', NEW)).out, /win10-home is still on the host, .*\s+the line/)
  assert.equal(await host.apply(NEW), 0)
})

test('of two clones one takes the entries over, and the other cannot be proven any more', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  cloneQube(host.simulator, 'win10-home', 'win10-new')
  renameQube(host.simulator, 'win10-home', 'win10-twin')
  await host.apply(NEW)
  const twin = NEW.replaceAll('win10-new', 'win10-twin')
  host.simulator.clearLog()
  const { code, out } = await host.run('apply --yes', `${twin}  win10-new: ${BODY}\n`)
  assert.equal(code, 1)
  assert.match(
    out.replace(/\s+/g, ' '),
    /win10-twin .*carries a record that is not the one that was last written from here on win10-home.*`qstate adopt SPEC`/,
  )
  assert.equal(host.simulator.writes(), 0)
})

test('a record that was not last written from here passes over only where a person adopts it', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  const forged =
    host.feature('win10-new', 'qstate.applied')?.replace('"4096"', '"1"').replace(':4096', ':400') ?? ''
  assert.notEqual(forged, host.feature('win10-new', 'qstate.applied'))
  act(host.simulator, {
    dest: 'win10-new',
    method: 'admin.vm.feature.Set',
    arg: 'qstate.applied',
    payload: forged,
  })
  const { code, out } = await host.run('apply --yes', NEW)
  assert.equal(code, 1, out)
  const adopted = await host.run('adopt --yes', NEW)
  assert.equal(adopted.code, 0, adopted.out + adopted.err)
  await host.apply(NEW)
  await host.apply('qubes: {}\n')
  // What was written from here knows better than what is found.
  assert.equal(host.property('win10-new', 'memory'), 4096)
})

test('a line that names another qube than the record is of takes nothing over', async (t) => {
  const host = await renaming(t)
  const both = `qubes:\n  win10-home: { qube: { vcpus: 3 } }\n  win7-oem: { qube: { vcpus: 4 } }\n`
  await host.apply(both)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  removeQube(host.simulator, 'win7-oem')
  const wrong = 'moved: [{ from: win7-oem, to: win10-new }]\nqubes:\n  win10-new: { qube: { vcpus: 3 } }\n'
  const { code, out } = await host.run('apply --yes', wrong)
  assert.equal(code, 1)
  assert.match(out, /not the one that was last written from here/)
  await host.apply(wrong.replace('win7-oem', 'win10-home'))
})

test('names in a chain are followed, whether or not qstate ran in between', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  renameQube(host.simulator, 'win10-home', 'win10-b')
  renameQube(host.simulator, 'win10-b', 'win10-c')
  const chain = (body: string): string =>
    `moved: [{ from: win10-home, to: win10-b }, { from: win10-b, to: win10-c }]\nqubes:\n  win10-c: ${body}\n`
  assert.match((await host.run('plan', chain(BODY))).out, /moved from win10-home: 5 settings/)
  await host.apply(chain(BODY))
  assert.equal(existsSync(host.template('win10-home')), false)
  await host.apply(chain('{ tags: [office] }'))
  assert.equal(host.property('win10-c', 'memory'), 4096)
})

test('what names a renamed qube follows: what was applied, what was there before, and devices of a backend', async (t) => {
  const host = await renaming(t)
  const { simulator } = host
  simulator.powerOff('sys-audio')
  simulator.powerOff('sys-usb')
  // The one had the qube before qstate, the other gets it from qstate.
  host.set('win10-home', 'audiovm', 'sys-audio')
  const device = '"sys-usb+2-1:*": auto-attach'
  const spec = (audio: string, usb: string): string => `qubes:
  win10-home: { audio: { audiovm: dom0 } }
  win7-oem: { audio: { audiovm: ${audio} }, stubdom: { qrexec: true }, usb: { ${usb} } }
  ${audio}: {}
`
  await host.apply(spec('sys-audio', device))

  // Qubes removes no qube that is in use: by hand the others are given the new one first.
  cloneQube(simulator, 'sys-audio', 'sys-sound')
  cloneQube(simulator, 'sys-usb', 'sys-usb2')
  assert.throws(() => {
    removeQube(simulator, 'sys-audio')
  }, /in use/)
  host.set('win7-oem', 'audiovm', 'sys-sound')
  act(simulator, {
    dest: 'win7-oem',
    method: 'admin.vm.device.usb.Unassign',
    arg: 'sys-usb+2-1+_',
    payload: '',
  })
  const payload =
    "device_id='*' port_id='2-1' devclass='usb' backend_domain='sys-usb2' frontend_domain='win7-oem' mode='auto-attach'"
  act(simulator, { dest: 'win7-oem', method: 'admin.vm.device.usb.Assign', arg: 'sys-usb2+2-1+_', payload })
  removeQube(simulator, 'sys-audio')
  removeQube(simulator, 'sys-usb')

  const moved = 'moved: [{ from: sys-audio, to: sys-sound }, { from: sys-usb, to: sys-usb2 }]\n'
  const next = `${moved}${spec('sys-sound', device.replace('sys-usb', 'sys-usb2'))}  sys-usb2: {}\n`
  const { out } = await host.run('plan', next)
  assert.match(out, /its record names a qube that was renamed: it follows/)
  assert.equal(await host.apply(next), 2, 'the records, and no value')
  assert.equal(await host.apply(next), 0)
  // The hand-set name is no original: it stands for what qstate had set.
  const dropped = await host.run('plan', 'qubes:\n  sys-sound: {}\n')
  assert.match(dropped.out, /audiovm +dom0 → sys-sound, as before qstate/)
  await host.apply('qubes:\n  sys-sound: {}\n')
  assert.equal(host.property('win10-home', 'audiovm'), 'sys-sound')
  assert.equal(host.property('win7-oem', 'audiovm'), undefined)
  assert.equal(simulator.host.qubes.get('win7-oem')?.assignments.size, 0)
})

for (const [what, edit] of [
  ['edited', (text: string) => text.replace('{{ super() }}', '{{ super() }}\n<smbios/>')],
  ['foreign', () => '{% extends "libvirt/xen.xml" %}'],
] as const) {
  test(`the template of the old name is left where it is ${what}`, async (t) => {
    const host = await renaming(t)
    await host.apply(OLD)
    renameQube(host.simulator, 'win10-home', 'win10-new')
    const path = host.template('win10-home')
    writeFileSync(path, edit(readFileSync(path, 'utf8')))
    const text = readFileSync(path, 'utf8')
    await host.apply(NEW)
    assert.equal(readFileSync(path, 'utf8'), text)
    assert.equal(existsSync(host.template('win10-new')), true)
    assert.equal(await host.apply(NEW), 0)
  })
}

test('the template of the old name stays until the new one is in place', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  writeFileSync(host.template('win10-new'), '{% extends "libvirt/xen.xml" %}')
  const { code } = await host.run('apply --yes', NEW)
  assert.equal(code, 3)
  assert.equal(existsSync(host.template('win10-home')), true)
})

test('a missing qube whose record another one carries is told with the line to write', async (t) => {
  const host = await renaming(t)
  await host.apply(`qubes:\n  win10-home: ${BODY}\n  win7-oem: { tags: [office] }\n`)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  const { out, err } = await host.run('plan', OLD)
  assert.equal(err, '')
  assert.match(
    out.replace(/\s+/g, ' '),
    /win10-home is not on the host; win10-new carries its record.*write `moved: \[\{ from: win10-home, to: win10-new \}\]`/,
  )
  const created = await host.plan(OLD.replace('{ slic', '{ ensure: { label: red }, slic'))
  assert.match(JSON.stringify(created.qubes.map(({ notes }) => notes)), /win10-new carries its record/)
  const clone = await host.run('plan', NEW.replace(MOVED, ''))
  assert.match(
    clone.out.replace(/\s+/g, ' '),
    /win10-home is not on the host, and its record is here: .*write `moved: \[\{ from: win10-home, to: win10-new \}\]` first/,
  )
})

test('a saved plan passes entries over, and is stale once the origin is back', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  const saved = join(host.folder, 'plan.json')
  const path = host.write('spec.yaml', `apiVersion: qstate/v1\nname: office\n${NEW}`)
  assert.equal((await host.qstate('plan', path, '-o', saved)).code, 0)
  const text = readFileSync(saved, 'utf8')
  const uuid = host.property('win10-new', 'uuid')
  for (const [tampered, why] of [
    [text.replace(/,\s*"movedFrom": \{[^}]*\}/, ''), /claims|does not/],
    [text.replace(/("movedFrom": \{[^}]*"uuid": ")[^"]*/, `$1${String(uuid)}`), /nothing passes over/],
    [text.replace('"movedTo": "win10-new"', '"movedTo": "win7-oem"'), /removes templates/],
  ] as const) {
    writeFileSync(saved, tampered)
    const { code, err } = await host.qstate('apply', '--yes', saved)
    assert.notEqual(code, 0, String(why))
    assert.match(err, why)
  }
  writeFileSync(saved, text)
  cloneQube(host.simulator, 'win7-oem', 'win10-home')
  const stale = await host.qstate('apply', '--yes', saved)
  assert.equal(stale.code, 4, stale.out)
  assert.match(stale.out, /win10-home is on the host again/)
  removeQube(host.simulator, 'win10-home')
  assert.equal((await host.qstate('apply', '--yes', saved)).code, 0)
  assert.equal(await host.apply(NEW), 0)
})

test('a rollback of the run that passed entries over leaves them with the qube that has them', async (t) => {
  const host = await renaming(t)
  await host.apply(OLD)
  renameQube(host.simulator, 'win10-home', 'win10-new')
  await host.apply(NEW.replace('vcpus: 3', 'vcpus: 4'))
  assert.equal((await host.qstate('rollback', '--yes')).code, 0)
  assert.equal(host.property('win10-new', 'vcpus'), 3)
  assert.equal(host.record('win10-new')?.uuid, host.property('win10-new', 'uuid'))
  await host.apply('qubes: {}\n')
  assert.equal(host.property('win10-new', 'vcpus'), undefined)
  assert.equal(host.feature('win10-new', 'audio-model'), '')
})

test('others are looked at only where something is known of the qube that is missing', async (t) => {
  const host = await renaming(t)
  const nameless = async (text: string): Promise<readonly string[]> => {
    const path = host.write('nameless.yaml', `apiVersion: qstate/v1\n${text}`)
    host.simulator.clearLog()
    await host.qstate('plan', path)
    return host.simulator.requests.filter(({ arg }) => arg === 'qstate.applied').map(({ dest }) => dest)
  }
  const [known, unknown] = ['win10-home: { qube: { vcpus: 3 } }', 'win10-hmoe: { qube: { vcpus: 3 } }']
  const path = host.write('nameless.yaml', `apiVersion: qstate/v1\nqubes: { ${known} }\n`)
  assert.equal((await host.qstate('apply', '--yes', path)).code, 0)
  assert.deepEqual(await nameless(`qubes: { ${known} }\n`), ['win10-home'], 'its own')
  renameQube(host.simulator, 'win10-home', 'win10-new')
  assert.deepEqual(await nameless(`qubes: { ${unknown} }\n`), [])
  assert.ok((await nameless(`qubes: { ${known} }\n`)).includes('win10-new'))
})

const LAB = 'qubes:\n  win10-home: { qube: { vcpus: 3 } }\n  win7-oem: { tags: [office] }\n'

test('a configuration of another name takes over what it owned under a former one, and withdraws what it drops', async (t) => {
  const host = await renaming(t)
  await host.apply(LAB)
  const renamed = `name: lab\nformerly: [office]\n${LAB}`
  assert.equal(await host.apply(renamed), 2, 'the records, which say the new name')
  assert.equal(host.record('win7-oem')?.name, 'lab')
  assert.equal(await host.apply(renamed), 0)
  await host.apply(renamed.replace('  win7-oem: { tags: [office] }\n', ''))
  assert.equal(host.record('win7-oem'), null)
  assert.equal(host.simulator.host.qubes.get('win7-oem')?.tags.has('office'), false)
})

test('a qube that is dropped at the same commit is found under the former name, and asks for consent', async (t) => {
  const host = await renaming(t)
  await host.apply(LAB)
  const next = 'name: lab\nformerly: [older, office]\nqubes:\n  win7-oem: { tags: [office] }\n'
  const { out } = await host.run('plan', next)
  assert.match(out, /Consent needed: 1 value of win10-home/)
  await host.apply(next)
  assert.equal(host.property('win10-home', 'vcpus'), undefined)
})

test('under another name, or none, nothing is withdrawn, and the plan says which line takes over', async (t) => {
  const host = await renaming(t)
  await host.apply(LAB)
  const one = 'qubes:\n  win7-oem: { tags: [office] }\n'
  for (const [text, line] of [
    [`name: lab\n${one}`, /“lab”, and “office” owns settings .*: win10-home .*`formerly: \[office\]`/],
    ['name: lab\nqubes: {}\n', /“office” owns settings .*: win10-home, win7-oem|win7-oem, win10-home/],
    [`name: lab\nformerly: [old]\n${one}`, /`formerly: \[old, office\]`/],
  ] as const) {
    const { err, out } = await host.run('plan', text)
    assert.match(err.replace(/\s+/g, ' '), line)
    assert.doesNotMatch(out, /withdrawn/)
  }
  const blocked = await host.run('plan', `name: lab\n${one}`)
  assert.match(
    blocked.out.replace(/\s+/g, ' '),
    /belongs to the configuration “office”.*`formerly: \[office\]`/,
  )
  // Two configurations on one host are none of each other's business.
  await host.apply('name: lab\nqubes:\n  win11-office: { tags: [lab] }\n')
  assert.equal((await host.run('plan', 'name: lab\nqubes:\n  win11-office: { tags: [lab] }\n')).err, '')
})

test('a qube is removed by the configuration that had another name', async (t) => {
  const host = await renaming(t)
  await host.apply(LAB)
  const path = host.write(
    'gone.yaml',
    'apiVersion: qstate/v1\nname: lab\nformerly: [office]\nqubes:\n  win7-oem: { ensure: absent }\n  win10-home: { qube: { vcpus: 3 } }\n',
  )
  const saved = join(host.folder, 'plan.json')
  assert.equal((await host.qstate('plan', path, '-o', saved)).code, 0)
  assert.equal((await host.qstate('apply', '--yes', '--allow-remove', 'win7-oem', saved)).code, 0)
  assert.equal(host.simulator.host.qubes.has('win7-oem'), false)
})

test('an import over a file keeps both keys', async (t) => {
  const host = await renaming(t)
  const path = host.write(
    'spec.yaml',
    `apiVersion: qstate/v1\nname: lab\nformerly: [office]\n${MOVED.replace('win10-home', 'win10-old').replace('win10-new', 'win10-work')}qubes:\n  win10-work: { tags: [work] }\n`,
  )
  const { code, err } = await host.qstate('import', '--out', path, '--force')
  assert.equal(code, 0, err)
  const text = readFileSync(path, 'utf8')
  assert.match(text, /^formerly: \[office\]$/m)
  assert.match(text, /^moved: \[\{ from: win10-old, to: win10-work \}\]$/m)
})
