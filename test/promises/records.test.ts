import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { providers } from '../../providers/index.ts'
import { planDocument } from '../../documents/host/index.ts'
import { readDocument } from '../../documents/read/index.ts'
import { planProblem } from '../../reconciler/index.ts'
import { type Value } from '../../spec/vocabulary/desired-state.ts'
import { pathProblem } from '../../spec/vocabulary/path-problem.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, statuses, type TestHost } from '../support/host.ts'
import { changedKeys, differences, ownedIn, RECORD } from '../support/snapshot.ts'
import { desiredState, type Wanted } from '../support/spec.ts'

/** The ownership record: whose it is, what it may say, and what follows where it cannot be believed. */

const RELEASES = ['4.3', '4.4'] as const
const WANTED: Wanted = { 'win-a': { 'audio/model': 'ich6', 'tags/office': true, 'qube/memory': 2048 } }

const begin = (t: TestContext, release: (typeof RELEASES)[number] = '4.3'): Promise<TestHost> =>
  startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }], release) })

const recordOf = (host: TestHost, qube: string): string | undefined =>
  host.simulator.host.qubes.get(qube)?.features.get(RECORD)

for (const release of RELEASES) {
  test(`${release}: the record that a clone carries is not believed: what it names is neither withdrawn nor owned`, async (t) => {
    const host = await begin(t, release)
    await host.apply(desiredState(WANTED))
    // What a clone has: features, tags and properties of its origin, under its own UUID.
    for (const name of [RECORD, 'audio-model'])
      host.setFeature('win-b', name, host.simulator.host.qubes.get('win-a')?.features.get(name) ?? '')
    const before = host.snapshot()
    host.simulator.clearLog()
    const none = await host.apply(desiredState({ 'win-b': {}, ...WANTED }))
    assert.equal(none.code, 0)
    assert.equal(host.simulator.writes(), 0)
    assert.deepEqual(differences(before, host.snapshot()), [])

    const applied = await host.apply(desiredState({ 'win-b': { 'qube/defaultUser': 'bob' }, ...WANTED }))
    assert.equal(applied.code, 0)
    assert.deepEqual(changedKeys(before, host.snapshot()), [
      'win-b feature qstate.applied',
      'win-b property default_user',
    ])
    assert.equal(ownedIn(host.snapshot())['win-b qube/defaultUser'], '"bob"')
    await host.apply(desiredState({}))
    assert.equal(host.snapshot().get('win-b feature audio-model'), 'ich6', 'never owned on the clone')
  })
}

const base = (host: TestHost, change: Record<string, unknown>): string => {
  const uuid = host.simulator.host.qubes.get('win-a')?.properties.get('uuid')
  return JSON.stringify({
    v: 1,
    uuid,
    name: 'test',
    at: '2026-01-01T00:00:00.000Z',
    set: { 'audio/model': 'ich6' },
    ...change,
  })
}

const UNBELIEVABLE: readonly { readonly what: string; readonly text: (host: TestHost) => string }[] = [
  { what: 'no JSON', text: () => 'owned by qstate' },
  { what: 'cut off', text: (host) => base(host, {}).slice(0, -9) },
  { what: 'a list', text: () => '[]' },
  { what: 'null', text: () => 'null' },
  { what: 'of a later version', text: (host) => base(host, { v: 3 }) },
  { what: 'of a much later version and shape', text: () => '{"v":17,"owns":"everything"}' },
  { what: 'of version 0', text: (host) => base(host, { v: 0 }) },
  { what: 'without version', text: (host) => base(host, { v: undefined }) },
  { what: 'without UUID', text: (host) => base(host, { uuid: undefined }) },
  { what: 'without time', text: (host) => base(host, { at: undefined }) },
  { what: 'without settings', text: (host) => base(host, { set: undefined }) },
  { what: 'with a list of settings', text: (host) => base(host, { set: ['audio/model'] }) },
  {
    what: 'naming a path outside',
    text: (host) => base(host, { set: { 'qube/features/qstate.applied': 'x' } }),
  },
  { what: 'naming no setting', text: (host) => base(host, { set: { 'firewall/rules': 'x' } }) },
  { what: 'with a value of another kind', text: (host) => base(host, { set: { 'tags/office': 'x' } }) },
  {
    what: 'with an original of another kind',
    text: (host) => base(host, { v: 2, orig: { 0: 3 } }),
  },
  {
    what: 'with an original of nothing',
    text: (host) => base(host, { v: 2, orig: { 1: 'ac97' } }),
  },
  {
    what: 'that was given once, of nothing',
    text: (host) => base(host, { v: 2, once: [1] }),
  },
  { what: 'that was given once, twice', text: (host) => base(host, { v: 2, once: [0, 0] }) },
  {
    what: 'with an original that is known and is not',
    text: (host) => base(host, { v: 2, free: [0], orig: { 0: 'ac97' } }),
  },
]

for (const { what, text } of UNBELIEVABLE) {
  test(`a record that is ${what} stops its qube with a way out, and nothing is written there`, async (t) => {
    const host = await begin(t)
    host.setFeature('win-a', 'audio-model', 'ich6')
    host.setFeature('win-a', RECORD, text(host))
    const before = host.snapshot()
    const applied = await host.apply(
      desiredState({ 'win-a': { 'qube/memory': 2048 }, 'win-b': { 'tags/office': true } }),
    )
    assert.deepEqual(statuses(applied), { 'win-a': 'blocked', 'win-b': 'applied' })
    assert.equal(applied.code, 3)
    assert.deepEqual(
      changedKeys(before, host.snapshot()).filter((key) => key.startsWith('win-a ')),
      [],
    )
    const blocked = applied.plan.qubes.find(({ qube }) => qube === 'win-a')?.blocked ?? []
    assert.match(blocked[0]?.problem.hint ?? '', /qvm-features --unset win-a qstate\.applied/)
    // The way out works, and takes nothing with it.
    host.setFeature('win-a', RECORD, null)
    assert.equal((await host.apply(desiredState({ 'win-a': { 'qube/memory': 2048 } }))).code, 0)
    assert.equal(host.snapshot().get('win-a feature audio-model'), 'ich6')
  })
}

/** Names that no spec can have: those of each kind, as the spec refuses them, and second addresses of a setting. */
const REFUSED_NAMES: readonly (readonly [path: string, value: Value, code: string | null])[] = [
  ...['guivm-dom0', 'audiovm-sys-audio', 'relayvm-sys-relay', 'created-by-dom0', 'disp-created-by-x'].map(
    (name) => [`tags/${name}`, true, 'reserved-name'] as const,
  ),
  ...[
    ...['internal', 'qstate.applied', 'qstate.other', 'deferred-netvm-original', 'service.meminfo-writer'],
    ...['preload-dispvm', 'preload-dispvm-completed', 'preload-dispvm-in-progress'],
  ].map((name) => [`qube/features/${name}`, '1', 'reserved-name'] as const),
  ['qube/properties/devices_denied', 'u080650', 'reserved-name'],
  ...[
    ...['klass', 'name', 'qid', 'dispid', 'uuid', 'xid', 'start_time', 'icon', 'updateable', 'dns'],
    ...['stubdom_xid', 'stubdom_uuid', 'gateway', 'gateway6', 'is_preload'],
    ...['visible_ip', 'visible_ip6', 'visible_netmask', 'visible_gateway', 'visible_gateway6'],
  ].map((name) => [`qube/properties/${name}`, '1', 'read-only'] as const),
  ['qube/properties/virt_mode', 'hvm', null],
  ['qube/features/audio-model', 'ich6', null],
]

test('a record that names what no spec can name is unreadable, and a plan file that does is refused', async (t) => {
  const host = await begin(t)
  for (const [path, value, code] of REFUSED_NAMES) {
    const problem = pathProblem(path)
    assert.equal(problem?.code ?? null, code, path)
    for (const [part, change] of [
      ['set', { set: { 'audio/model': 'ich6', [path]: value } }],
      ['set, as absent', { set: { 'audio/model': 'ich6', [path]: null } }],
      ['waits', { waits: { start: '1', paths: [path] } }],
      ['waits, with what was', { waits: { start: '1', paths: [], from: { [path]: value } } }],
    ] as const) {
      host.setFeature('win-a', RECORD, base(host, change))
      const named = await host.plan(desiredState({ 'win-a': { 'qube/memory': 2048 } }))
      const [blocked] = named.qubes[0]?.blocked ?? []
      assert.match(
        blocked?.problem.message ?? '',
        /names a setting or a value that qstate does not/,
        `${part}: ${path}`,
      )
      assert.deepEqual(named.qubes[0]?.changes, [])
      const dropped = await host.plan(desiredState({}))
      assert.deepEqual(
        dropped.qubes.map(({ qube, changes, notes }) => [qube, changes, notes.map(({ kind }) => kind)]),
        [['win-a', [], ['untold']]],
        `${part}: ${path}`,
      )
    }
    // A plan file that is sound but for the name: that of another setting of this kind is replaced wherever it stands.
    host.setFeature('win-a', RECORD, null)
    const [folder, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    const stand = 'backup_timestamp'
    const plan = JSON.stringify(await host.plan(desiredState({ 'win-a': { [`${folder}/${stand}`]: value } })))
    const problemIn = (text: string): string | undefined => {
      const read = readDocument(planDocument, text, 'plan.json')
      return read.ok ? planProblem(read.value, providers) : read.problem.message
    }
    assert.equal(problemIn(plan), undefined, path)
    assert.equal(
      problemIn(plan.replaceAll(stand, name)),
      `it names win-a/${path}, which qstate does not manage`,
    )
  }
})

test('an empty record is none', async (t) => {
  const host = await begin(t)
  host.setFeature('win-a', RECORD, '')
  assert.equal((await host.apply(desiredState(WANTED))).code, 0)
  assert.equal(Object.keys(ownedIn(host.snapshot())).length, 3)
})

test('a qube of another configuration is left alone, and a configuration without a name withdraws from no qube it does not name', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState(WANTED, 'theirs'))
  const before = host.snapshot()
  for (const [wanted, name] of [
    [{ 'win-a': { 'audio/model': 'ac97' } }, 'ours'],
    [{ 'win-a': { 'audio/model': 'ac97' } }, null],
    [{}, 'ours'],
    [{}, null],
    [{ 'win-b': {} }, null],
  ] as const) {
    await host.apply(desiredState(wanted, name))
    assert.deepEqual(differences(before, host.snapshot()), [])
  }
  await host.apply(desiredState({}, 'theirs'))
  assert.equal(recordOf(host, 'win-a'), undefined)
})

test('what is right already is taken over by writing the record alone', async (t) => {
  const host = await begin(t)
  host.setFeature('win-a', 'audio-model', 'ich6')
  host.simulator.clearLog()
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6' } }))
  assert.deepEqual(
    host.simulator.requests.filter(({ write }) => write).map(({ method, arg }) => `${method}+${arg}`),
    ['admin.vm.feature.Set+qstate.applied'],
  )
})

test('what Windows Tools set at every boot is neither set back nor withdrawn', async (t) => {
  const host = await startHost(t, {
    fixture: windowsHost([{ name: 'win-a', state: 'Running', tools: true }]),
  })
  await host.apply(desiredState({ 'win-a': { 'qube/qrexecTimeout': 300, 'audio/model': 'ac97' } }))
  host.simulator.notifyTools('win-a')
  host.simulator.clearLog()
  const again = await host.apply(
    desiredState({ 'win-a': { 'qube/qrexecTimeout': 300, 'audio/model': 'ac97' } }),
  )
  assert.equal(again.code, 0)
  assert.equal(host.simulator.writes(), 0)
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a property qrexec_timeout'), '6000')
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
})

test('a value wanted absent, whose removal was cut off, is still withdrawn when it is no longer asked for', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6' } }))
  host.simulator.setFaults([{ match: { arg: 'audio-model', writesOnly: true }, do: 'die-before' }])
  await host.apply(desiredState({ 'win-a': { 'audio/model': null } }))
  host.simulator.setFaults([])
  await host.simulator.restart()
  assert.equal(host.snapshot().get('win-a feature audio-model'), 'ich6')
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
  assert.equal(recordOf(host, 'win-a'), undefined)
})

test('a SLIC template of ours goes when it is no longer asked for, though another template to extend has come', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'slic/tables': ['host:MSDM'] } }))
  writeFileSync(
    join(host.dom0, 'usr/share/qubes/templates/libvirt/xen-dist.xml'),
    '{% extends "libvirt/xen.xml" %}',
  )
  await host.apply(desiredState({}))
  assert.deepEqual(
    [...host.snapshot().keys()].filter((key) => key.includes('win-a') && key.startsWith('file ')),
    [],
  )
})

test('a table of ours goes when it is no longer asked for, though its template has not been written', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'slic/tables': ['host:MSDM'] } }))
  // As a crash between the two files leaves it: the table, which may hold a product key, and no template.
  rmSync(join(host.dom0, 'etc/qubes/templates/libvirt/xen/by-name/win-a.xml'))
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().has('file var/lib/qstate/acpi/win-a.bin'), false)
})

test('a SLIC template that someone edited is left as it is when it is no longer asked for', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'slic/tables': ['host:SLIC'] } }))
  const path = join(host.dom0, 'etc/qubes/templates/libvirt/xen/by-name/win-a.xml')
  const edited = `${host.snapshot().get('file etc/qubes/templates/libvirt/xen/by-name/win-a.xml') ?? ''}<!-- mine -->\n`
  writeFileSync(path, edited)
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('file etc/qubes/templates/libvirt/xen/by-name/win-a.xml'), edited)
})

test('a value that someone set back to what qstate had set before is left as it is when it is no longer asked for', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6' } }))
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ac97' } }))
  host.setFeature('win-a', 'audio-model', 'ich6')
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), 'ich6')
})

test('a value wanted absent that someone sets again, as qstate had it before, is left as it is when it is no longer asked for', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'stubdom/qrexec': true } }))
  await host.apply(desiredState({ 'win-a': { 'stubdom/qrexec': null } }))
  host.setFeature('win-a', 'stubdom-qrexec', 'yes')
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature stubdom-qrexec'), 'yes')
})

test('a value that could neither be taken away nor looked at again stays owned', async (t) => {
  const host = await begin(t)
  await host.apply(desiredState({ 'win-a': { 'audio/model': 'ich6', 'tags/office': true } }))
  host.simulator.setFaults([
    { match: { method: 'admin.vm.feature.Remove', arg: 'audio-model' }, do: 'refuse' },
    // The plan and both guards may look, the proof may not.
    { match: { method: 'admin.vm.feature.Get', arg: 'audio-model' }, after: 3, do: 'refuse' },
  ])
  const applied = await host.apply(desiredState({ 'win-a': { 'tags/office': true } }))
  assert.equal(applied.code, 3)
  assert.deepEqual(
    applied.report.qubes[0]?.outcomes.map(({ path, status, error }) => [path, status, error?.code]),
    [['audio/model', 'unverified', 'refused']],
  )
  host.simulator.setFaults([])
  await host.apply(desiredState({}))
  assert.equal(host.snapshot().get('win-a feature audio-model'), undefined)
})
