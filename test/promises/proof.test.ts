import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileReceipts } from '../../journal/receipts.ts'
import { planIsEmpty } from '../../reconciler/plan/plan.ts'
import { type Host } from '../../reconciler/ports/host.ts'
import { type Receipt } from '../../reconciler/ports/receipts.ts'
import { type Problem } from '../../spec/diagnostics/problem.ts'
import { windowsHost } from '../support/fixtures.ts'
import { type Applied, reportOf, startHost, statuses, type TestHost } from '../support/host.ts'
import { differences, ownedIn, RECORD } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'
import { tempFolder } from '../support/temp.ts'

/** A record is proven if it is what was last written from here: it is read again around each write, and nothing else is believed. */

const TWO: Wanted = { 'win-a': { 'audio/model': 'ich6', 'tags/office': true, 'qube/memory': 2048 } }
const ONE: Wanted = { 'win-a': { 'tags/office': true } }

const begin = (t: TestContext): Promise<TestHost> =>
  startHost(t, {
    fixture: windowsHost([{ name: 'win-a', features: { 'audio-model': 'sb16' } }, { name: 'win-b' }]),
  })

const recordOf = (host: TestHost): string | undefined =>
  host.simulator.host.qubes.get('win-a')?.features.get(RECORD)

const model = (host: TestHost): string | undefined => host.snapshot().get('win-a feature audio-model')

const codes = ({ plan }: Pick<Applied, 'plan'>): readonly string[] =>
  plan.qubes.flatMap(({ blocked }) => blocked.map(({ problem }) => problem.code))

/** Does something right before a write, or instead of it. */
const atWrite =
  (arg: string, work: () => void, isInstead = false) =>
  (host: Host): Host => ({
    ...host,
    async write(call) {
      if (call.arg === arg) work()
      if (call.arg !== arg || !isInstead) await host.write(call)
    },
  })

test('a record that the daemon says it has written, and has not, stops its qube before any value', async (t) => {
  const host = await begin(t)
  const before = host.snapshot()
  const applied = await host.apply(desiredState(TWO), { wrap: atWrite(RECORD, () => undefined, true) })
  assert.equal(reportOf(applied, 'win-a').error?.code, 'not-kept')
  assert.deepEqual(differences(before, host.snapshot()), [])
  assert.equal((await host.apply(desiredState(TWO))).code, 0)
})

test('what somebody sets while qstate is at work on the qube is not overwritten', async (t) => {
  const host = await begin(t)
  const applied = await host.apply(desiredState(TWO), {
    wrap: atWrite('memory', () => {
      host.setFeature('win-a', 'audio-model', 'ac97')
    }),
  })
  assert.deepEqual(statuses(applied), { 'win-a': 'failed' })
  assert.deepEqual(
    reportOf(applied, 'win-a').stale.map(({ path, found }) => [path, found]),
    [['audio/model', 'ac97']],
  )
  assert.equal(model(host), 'ac97')
  assert.deepEqual(Object.keys(ownedIn(host.snapshot())), ['win-a qube/memory', 'win-a tags/office'])
})

test('a record that somebody replaces while qstate is at work is not overwritten', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(ONE))
  const foreign = (recordOf(host) ?? '').replace('"set":{', '"set":{"qube/vcpus":2,')
  const applied = await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6' } }), {
    // The tag is withdrawn ahead of the record.
    wrap: atWrite('office', () => {
      host.setFeature('win-a', RECORD, foreign)
    }),
  })
  assert.equal(applied.code, 3)
  assert.equal(recordOf(host), foreign)
  assert.equal(model(host), 'sb16')
  assert.deepEqual(codes(await host.apply(desiredState(TWO))), ['unproven-record'])
})

test('without what was kept here a settled qube is settled, nothing is withdrawn, and adopt takes it over', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(TWO))
  rmSync(join(host.folder, 'state'), { recursive: true })
  const lost = host.snapshot()
  assert.ok(planIsEmpty(await host.plan(desiredState(TWO))))
  for (const wanted of [ONE, {}]) {
    assert.deepEqual(codes(await host.apply(desiredState(wanted))), ['unproven-record'])
    assert.deepEqual(differences(lost, host.snapshot()), [])
  }
  const adopted = await host.apply(desiredState(TWO), { mode: 'adopt' })
  assert.deepEqual(
    adopted.plan.qubes[0]?.notes
      .filter(({ kind }) => kind === 'taken-over')
      .map(({ path, text }) => [path, text]),
    [
      ['audio/model', 'is taken over: "ich6"; before qstate: "sb16"'],
      ['qube/memory', 'is taken over: 2048; before qstate: not set'],
      ['tags/office', 'is taken over: true; before qstate: not set'],
    ],
  )
  await host.apply(desiredState(ONE))
  assert.equal(model(host), 'sb16')
})

test('an older record of ours that somebody puts back withdraws nothing', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(TWO))
  const old = recordOf(host) ?? ''
  await host.apply(desiredState({ 'win-a': { 'tags/office': true, 'qube/memory': 2048 } }))
  host.setFeature('win-a', 'audio-model', 'ich6')
  host.setFeature('win-a', RECORD, old)
  const before = host.snapshot()
  assert.deepEqual(codes(await host.apply(desiredState(ONE))), ['unproven-record'])
  assert.deepEqual(differences(before, host.snapshot()), [])
})

test('where the record was taken away nothing is withdrawn, and what was before is known still', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(TWO))
  host.setFeature('win-a', RECORD, null)
  const before = host.snapshot()
  await host.apply(desiredState({ 'win-a': {} }))
  assert.deepEqual(differences(before, host.snapshot()), [])
  const { plan } = await host.apply(desiredState(TWO))
  assert.deepEqual(
    plan.qubes[0]?.notes.map(({ kind }) => kind),
    ['record-lost', 'adopted', 'adopted', 'adopted'],
  )
  await host.apply(desiredState({}))
  assert.equal(model(host), 'sb16')
})

test('a record of version 1 withdraws nothing, and becomes version 2 with the next write', async (t) => {
  const host = await begin(t)
  const uuid = host.simulator.host.qubes.get('win-a')?.properties.get('uuid')
  const set = { 'audio/model': 'sb16', 'stubdom/qemuExtraArgs': '-usb' }
  host.setFeature('win-a', 'qemu-extra-args', '-usb')
  host.setFeature('win-a', RECORD, JSON.stringify({ v: 1, uuid, name: 'test', at: '2026-01-01', set }))
  const settled = await host.apply(desiredState({ 'win-a': set }))
  assert.ok(planIsEmpty(settled.plan))
  const wanted = { 'win-a': { 'stubdom/qemuExtraArgs': '-usb', 'qube/memory': 2048 } }
  const { plan, code } = await host.apply(desiredState(wanted))
  assert.equal(code, 0)
  assert.match(
    plan.qubes[0]?.notes[0]?.text ?? '',
    /what was there before qstate is not known; write `inherit`/,
  )
  assert.equal(model(host), 'sb16')
  assert.match(recordOf(host) ?? '', /^\{"v":2,.*"by":"user@test","free":\[1\],"orig":\{"0":null\},"set":\{/)
})

test('a record holds 200 settings; an original that is too long for it leaves its own setting as it is', async (t) => {
  const host = await begin(t)
  const names = [...Array(100).keys()].map((index) => `${'f'.repeat(60)}${index}`)
  const features = Object.fromEntries(names.map((name) => [`qube/features/${name}`, 'new']))
  const devices = Object.fromEntries(
    names.map(
      (_, index) =>
        [`usb/sys-usb+2-1.${index}:046d:085b:SERIAL${index}:u0e0100`, { mode: 'required' }] as const,
    ),
  )
  const applied = await host.apply(desiredState({ 'win-a': { ...features, ...devices } }))
  assert.equal(applied.code, 0)
  assert.ok((recordOf(host) ?? '').length < 30_000, String(recordOf(host)?.length))
  const long = [...Array(12).keys()].map((index) => `qube/features/long${index}`)
  for (const path of long) host.setFeature('win-b', path.slice('qube/features/'.length), 'x'.repeat(8000))
  const wanted = Object.fromEntries([...long, 'qube/features/short'].map((path) => [path, 'new']))
  const { plan } = await host.apply(desiredState({ 'win-b': wanted }))
  const [qube] = plan.qubes.filter(({ qube: name }) => name === 'win-b')
  assert.ok(qube !== undefined && qube.changes.some(({ path }) => path === 'qube/features/short'))
  assert.ok(qube.blocked.length > 0 && qube.blocked.length < 8, String(qube.blocked.length))
  assert.ok(
    qube.blocked.every(
      ({ path, problem }) => path?.includes('long') === true && problem.code === 'record-too-large',
    ),
  )
})

test('what was cut off is open until a run finds nothing left to do there', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(TWO))
  host.simulator.setFaults([{ match: { arg: 'audio-model', writesOnly: true }, do: 'die-before' }])
  await host.apply(desiredState({ 'win-a': { ...TWO['win-a'], 'audio/model': 'ac97' } }))
  host.simulator.setFaults([])
  await host.simulator.restart()
  assert.equal((await host.receipts.open()).size, 1)
  // Somebody does what was to be done.
  host.setFeature('win-a', 'audio-model', 'ac97')
  const { plan } = await host.apply(desiredState({ 'win-a': { ...TWO['win-a'], 'audio/model': 'ac97' } }))
  assert.ok(planIsEmpty(plan))
  assert.equal((await host.receipts.open()).size, 0)
})

test('a receipt comes back as it was written; one that is damaged proves nothing', async (t) => {
  const folder = tempFolder(t)
  const problems: Problem[] = []
  const receipts = fileReceipts(folder, (problem) => problems.push(problem))
  const receipt: Receipt = {
    accepted: ['a', null],
    open: true,
    was: { 'tags/office': [true, null] },
    base: 'b',
  }
  await Promise.all(['one', 'two'].map((key) => receipts.write(key, receipt)))
  assert.deepEqual(await receipts.read('one'), receipt)
  await receipts.write('two', { ...receipt, open: false })
  assert.deepEqual(await fileReceipts(folder, () => undefined).open(), new Set(['one']))
  for (const text of [
    '',
    '{',
    'null',
    '{"schema":"qstate.receipt","version":2}',
    JSON.stringify({ ...receipt, accepted: 'x' }),
  ]) {
    writeFileSync(join(folder, 'owned', 'one.json'), text)
    assert.equal(await receipts.read('one'), undefined, text)
    assert.match(problems.pop()?.code ?? '', /^document-(?:damaged|future)$/)
  }
  await receipts.remove('one')
  assert.deepEqual(await receipts.open(), new Set())
  await assert.rejects(receipts.write('../x', receipt))
})

test('a receipt that accepts less replaces the last one at once, and is flushed with all others, whatever became of them', async (t) => {
  const folder = tempFolder(t)
  const receipts = fileReceipts(folder, () => assert.fail('none is damaged'))
  const opened: Receipt = { accepted: ['a', 'b'], open: true, was: {}, base: 'a' }
  const closed: Receipt = { accepted: ['b'], open: false, was: {}, base: 'b' }
  for (const key of ['one', 'two']) {
    await receipts.write(key, opened)
    await receipts.write(key, closed, true)
  }
  const others = fileReceipts(folder, () => assert.fail('none is damaged'))
  assert.deepEqual(await others.read('one'), closed)
  assert.deepEqual(await others.open(), new Set())
  await receipts.remove('two')
  await receipts.flush()
  assert.deepEqual(await others.read('one'), closed)
  assert.equal(await others.read('two'), undefined)
  // A run that wrote none has none to flush.
  await fileReceipts(join(folder, 'none'), () => undefined).flush()
})
