import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Plan } from '../../reconciler/plan/plan.ts'
import { RECORD_FEATURE } from '../../spec/index.ts'
import { differences, RECORD, type Snapshot, takeSnapshot } from '../support/snapshot.ts'
import { type Host, type Result, simulatedHost } from './run-cli.ts'

/** Leaving: `withdraw` gives back what was there before qstate. */

const OFFICE = `apiVersion: qstate/v1
name: office
qubes:
  win10-work: { extends: windows-10, qube: { memory: 5000, vcpus: 3 }, tags: [office] }
  win7-oem: { slic: host, audio: ac97 }
`
const HOME = `apiVersion: qstate/v1
name: home
qubes:
  win10-home: { qube: { vcpus: 5 }, audio: ich6 }
`

interface World {
  readonly host: Host
  readonly qstate: Host['qstate']
  readonly snapshot: () => Snapshot
  /** Writes a spec and applies it. */
  readonly apply: (yaml: string) => Promise<void>
  readonly set: (qube: string, call: string, value?: string) => void
  readonly template: (qube: string) => string
}

async function makeWorld(t: TestContext): Promise<World> {
  const host = await simulatedHost(t)
  const dom0 = `${host.socket}.dom0`
  return {
    host,
    qstate: (...argv) => host.qstate(...argv),
    snapshot: () => takeSnapshot(host.simulator, dom0),
    async apply(yaml) {
      const file = join(host.folder, 'spec.yaml')
      writeFileSync(file, yaml)
      const { code, out, err } = await host.qstate('apply', '--yes', file)
      assert.equal(code, 0, out + err)
    },
    set(qube, call, value) {
      const payload = value === undefined ? '' : `\0${value}`
      const answer = host.simulator.act(Buffer.from(`${call} dom0 name ${qube}${payload || '\0'}`))
      assert.ok(answer)
    },
    template: (qube) => join(dom0, 'etc/qubes/templates/libvirt/xen/by-name', `${qube}.xml`),
  }
}

const words = ({ out, err }: Result): string => `${out}${err}`.replace(/\s+/g, ' ')

const recordsIn = (snapshot: Snapshot): readonly string[] =>
  [...snapshot.keys()].filter((key) => key.endsWith(RECORD)).sort()

test('all that was there before qstate is back, whichever configuration had set it, and no record is left', async (t) => {
  const { host, qstate, snapshot, apply, set, template } = await makeWorld(t)
  const start = snapshot()
  await apply(OFFICE)
  await apply(HOME)
  assert.ok(existsSync(template('win7-oem')))
  assert.equal(recordsIn(snapshot()).length, 3)
  set('win10-home', 'admin.vm.property.Set+vcpus', '7')
  const before = snapshot()

  const refused = await qstate('withdraw', '--all')
  assert.deepEqual([refused.code, /add --yes/.test(refused.err)], [64, true])
  const count = /([0-9]+) changes \(\1 withdrawn\)/.exec(refused.out)?.[1] ?? ''
  assert.match(count, /^[0-9]+$/, refused.out)
  const wrong = await host.qstateWith(
    { terminal: true, answers: [String(Number(count) + 1)] },
    'withdraw',
    '--all',
  )
  assert.equal(wrong.code, 1)
  assert.match(
    wrong.err,
    new RegExp(`${count} settings go back to what was there before qstate\\. Type that number`),
  )
  assert.deepEqual(differences(before, snapshot()), [], 'another number is no yes')

  const done = await host.qstateWith({ terminal: true, answers: [count] }, 'withdraw', '--all')
  assert.equal(done.code, 0, done.out + done.err)
  assert.match(done.out, /as before qstate/)
  assert.match(done.out, /vcpus: no longer named, and changed since by someone else: left as it is/)
  assert.deepEqual(differences(start, snapshot()), ['win10-home property vcpus: nothing -> 7'])

  host.simulator.clearLog()
  const again = await qstate('withdraw', '--all', '--yes')
  assert.deepEqual([again.code, host.simulator.writes()], [0, 0])
  assert.match(again.out, /Nothing to give back/)
  const [last] = JSON.parse((await qstate('history', '--json')).out) as { kind: string; outcome: string }[]
  assert.deepEqual([last?.kind, last?.outcome], ['withdraw', 'applied'])
  assert.equal((await qstate('rollback', '--yes')).code, 0)
  assert.equal(recordsIn(snapshot()).length, 3, 'it is a generation, and can be undone')
  assert.equal((await qstate('withdraw', '--all', '--yes')).code, 0)
  assert.deepEqual(differences(start, snapshot()), ['win10-home property vcpus: nothing -> 7'])
})

test('single qubes give back by themselves, and names are checked', async (t) => {
  const { qstate, snapshot, apply } = await makeWorld(t)
  const start = snapshot()
  await apply(OFFICE)
  const applied = snapshot()
  const one = await qstate('withdraw', 'win10-work', '--yes')
  assert.equal(one.code, 0, one.out + one.err)
  const touched = differences(start, snapshot()).filter((line) => line.startsWith('win10-work'))
  assert.deepEqual(touched, [])
  const others = differences(applied, snapshot()).filter((line) => !line.startsWith('win10-work'))
  assert.deepEqual(others, [])
  assert.match((await qstate('withdraw', 'win10-work', '--yes')).out, /Nothing to give back/)
  for (const [argv, why] of [
    [[], /no qube is named/],
    [['win7-oem', '--all'], /--all goes with no name/],
    [['win7-omm'], /did you mean win7-oem\?/],
    [['dom0'], /no qube dom0 that qstate could manage/],
  ] as const) {
    const { code, err } = await qstate('withdraw', ...argv, '--yes')
    assert.notEqual(code, 0)
    assert.match(err, why)
  }
})

test('a record that is not proven, a clone’s and one that cannot be read are listed and left, and the rest goes', async (t) => {
  const { host, qstate, snapshot, apply } = await makeWorld(t)
  await apply(OFFICE)
  await apply(HOME)
  const features = (qube: string): Map<string, string> => host.simulator.host.qubes.get(qube)!.features
  const forged = features('win10-home').get(RECORD_FEATURE)!.replace('"set":{', '"set":{"qube/memory":400,')
  features('win10-home').set(RECORD_FEATURE, forged)
  features('fedora-42').set(RECORD_FEATURE, features('win7-oem').get(RECORD_FEATURE)!)
  features('sys-usb').set(RECORD_FEATURE, 'no record')
  const before = snapshot()
  const done = await qstate('withdraw', '--all', '--yes')
  assert.equal(done.code, 3)
  const text = words(done)
  assert.match(text, /fedora-42 .*another qube’s, as on a clone.*`qstate release fedora-42` gives it up/)
  assert.match(
    text,
    /win10-home .*not the one that was last written from here.*`qstate release win10-home` gives it up/,
  )
  assert.match(text, /sys-usb .*not JSON/)
  assert.deepEqual(
    recordsIn(snapshot()),
    ['fedora-42', 'sys-usb', 'win10-home'].map((qube) => `${qube} feature ${RECORD}`),
  )
  const touched = differences(before, snapshot()).filter((line) =>
    /^(?:fedora-42|win10-home|sys-usb) /.test(line),
  )
  assert.deepEqual(touched, [])
  assert.equal((await qstate('withdraw', '--all', '--yes')).code, 1, 'they are left still')
  assert.equal((await qstate('release', 'fedora-42', 'win10-home', 'sys-usb', '--yes')).code, 0)
  assert.equal((await qstate('withdraw', '--all', '--yes')).code, 0)
})

test('without the receipts nothing is given back; where a record was taken away that is told', async (t) => {
  const { host, qstate, snapshot, apply } = await makeWorld(t)
  await apply(OFFICE)
  host.simulator.host.qubes.get('win10-work')!.features.delete(RECORD_FEATURE)
  const before = snapshot()
  const lost = await qstate('withdraw', 'win10-work', '--yes')
  assert.match(words(lost), /its ownership record was taken away: nothing is given back/)
  assert.deepEqual(differences(before, snapshot()), [])
  const elsewhere = await host.qstateWith(
    { env: { QSTATE_STATE_DIR: join(host.folder, 'other') } },
    'withdraw',
    '--all',
    '--yes',
  )
  assert.equal(elsewhere.code, 1)
  assert.deepEqual(differences(before, snapshot()), [])
})

test('the state folder can be put back: what was not written since is proven again, the rest waits for adopt', async (t) => {
  const { host, qstate, snapshot, apply } = await makeWorld(t)
  const start = snapshot()
  await apply(OFFICE)
  const [state, copy] = [join(host.folder, 'state'), join(host.folder, 'copy')]
  cpSync(state, copy, { recursive: true })
  const file = join(host.folder, 'spec.yaml')
  await apply(OFFICE.replace('audio: ac97', 'audio: sb16'))
  const blocked = async (): Promise<readonly string[]> =>
    (JSON.parse((await qstate('plan', '--json', file)).out) as Plan).qubes.flatMap((plan) =>
      plan.blocked.map(({ problem }) => `${plan.qube} ${problem.code}`),
    )
  assert.deepEqual(await blocked(), [])
  rmSync(state, { recursive: true })
  cpSync(copy, state, { recursive: true })
  writeFileSync(file, OFFICE)
  assert.deepEqual(await blocked(), ['win7-oem unproven-record'])
  assert.equal((await qstate('adopt', '--yes', file)).code, 0)
  assert.deepEqual(await blocked(), [])
  assert.equal((await qstate('withdraw', '--all', '--yes')).code, 0)
  assert.deepEqual(differences(start, snapshot()), [])
  assert.deepEqual(recordsIn(snapshot()), [])
})

test('a qube that qstate created stays with its values, without a record, and the note says how it is removed', async (t) => {
  const { qstate, snapshot, apply } = await makeWorld(t)
  await apply(`apiVersion: qstate/v1
name: office
qubes:
  win11-new: { extends: windows-11, ensure: present, qube: { label: red, netvm: off, memory: 5000 } }
  win11-bare: { ensure: { label: blue } }
`)
  const before = snapshot()
  const done = await qstate('withdraw', '--all', '--yes')
  assert.equal(done.code, 0, done.out + done.err)
  assert.match(words(done), /win11-bare[^]*`ensure: absent` in its spec/)
  assert.match(words(done), /win11-new[^]*`ensure: absent` in its spec/)
  assert.deepEqual(
    differences(before, snapshot()).map((line) => line.slice(0, line.indexOf(':'))),
    ['win11-bare', 'win11-new'].map((qube) => `${qube} feature ${RECORD}`),
  )
  assert.deepEqual(recordsIn(snapshot()), [])
})

test('templates of ours go, of released and of removed qubes too; one that someone has edited stays', async (t) => {
  const { host, qstate, snapshot, apply, template } = await makeWorld(t)
  const start = snapshot()
  await apply(
    `apiVersion: qstate/v1\nname: oem\nqubes:\n  win7-oem: { slic: host }\n  win10-work: { slic: host }\n  win10-home: { slic: host }\n`,
  )
  assert.equal((await qstate('release', 'win10-work', '--yes')).code, 0)
  const edited = `${readFileSync(template('win10-home'), 'utf8')}<!-- mine -->\n`
  writeFileSync(template('win10-home'), edited)
  writeFileSync(template('gone'), readFileSync(template('win7-oem')))
  writeFileSync(template('gone-edited'), edited)
  const one = await qstate('withdraw', 'win7-oem', '--yes')
  assert.equal(one.code, 0)
  assert.deepEqual([existsSync(template('win7-oem')), existsSync(template('gone'))], [false, true])
  const plan = words(await qstate('withdraw', '--all'))
  assert.match(plan, /gone does not exist any more, and its SLIC template will be removed/)
  assert.match(plan, /gone-edited is not there any more, and its SLIC template is: remove/)
  const done = await qstate('withdraw', '--all', '--yes')
  assert.equal(done.code, 0, done.out + done.err)
  assert.match(words(done), /slic.*changed since by someone else: left as it is/)
  const left = differences(start, snapshot()).map((line) => line.slice(0, line.indexOf(':')))
  const file = (qube: string): string => `file etc/qubes/templates/libvirt/xen/by-name/${qube}.xml`
  assert.deepEqual(left, [file('gone-edited'), file('win10-home')])
  host.simulator.clearLog()
  assert.equal((await qstate('withdraw', '--all', '--yes')).code, 0)
  assert.equal(host.simulator.writes(), 0)
})
