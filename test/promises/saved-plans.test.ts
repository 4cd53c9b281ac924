import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runCli } from '../support/cli.ts'
import { windowsHost } from '../support/fixtures.ts'
import { startHost, type TestHost } from '../support/host.ts'
import { differences, RECORD } from '../support/snapshot.ts'

/** A saved plan does what was reviewed, or nothing. */

const SPEC = `apiVersion: qstate/v1
name: test
qubes:
  win-a: { audio: ich6, stubdom: { qrexec: true }, qube: { memory: 2048 }, tags: [office] }
  win-b: { stubdom: { qrexec: true }, usb: { "sys-usb+2-1:*": auto-attach }, qube: { defaultUser: bob } }
`
const FIRST = `apiVersion: qstate/v1
name: test
qubes:
  win-a: { audio: ac97, qube: { vcpus: 4 } }
`

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Tree = { [key: string]: Json } & {
  qubes: { changes: ChangeTree[]; record: RecordTree; [key: string]: Json }[]
}
type ChangeTree = { [key: string]: Json } & {
  patch: { [key: string]: Json }[]
  inverse: { [key: string]: Json }[]
}
interface RecordTree {
  before: string | null
  after: string | null
  [key: string]: Json
}

interface Tampering {
  readonly what: string
  /** Changes the plan in place, or gives the text to save instead. */
  readonly tamper: (plan: Tree) => string | undefined
}

const edit =
  (change: (plan: Tree) => unknown): Tampering['tamper'] =>
  (plan) => {
    change(plan)
    return undefined
  }
const qube = (plan: Tree, name = 'win-a'): Tree['qubes'][number] =>
  plan.qubes.find((candidate) => candidate['qube'] === name)!
const change = (plan: Tree, path: string, name = 'win-a'): ChangeTree =>
  qube(plan, name).changes.find((candidate) => candidate['path'] === path)!
/** Writes a value everywhere where the plan has the new value of a setting. */
const setAfter = (plan: Tree, path: string, value: Json): void => {
  const it = change(plan, path)
  it['after'] = value
  it.patch[1]!['value'] = value
  it.inverse[0]!['value'] = value
}
/** Names another setting everywhere. */
const rename = (plan: Tree, path: string, to: string): void => {
  const it = change(plan, path)
  it['path'] = to
  for (const operation of [...it.patch, ...it.inverse]) operation['path'] = `/win-a/${to}`
}
const editRecord = (plan: Tree, work: (record: { [key: string]: Json }) => void, name = 'win-a'): void => {
  const { record } = qube(plan, name)
  const json = JSON.parse(record.after ?? '{}') as { [key: string]: Json }
  work(json)
  record.after = JSON.stringify(json)
}
const owned = (record: { [key: string]: Json }): { [key: string]: Json } =>
  record['set'] as { [key: string]: Json }

const TAMPERED: readonly Tampering[] = [
  { what: 'is empty', tamper: () => '' },
  { what: 'is cut off', tamper: (plan) => JSON.stringify(plan).slice(0, -40) },
  { what: 'is YAML', tamper: () => SPEC },
  { what: 'is a list', tamper: () => '[]' },
  { what: 'is null', tamper: () => 'null' },
  { what: 'is another program’s', tamper: edit((plan) => (plan['schema'] = 'terraform.plan')) },
  { what: 'has no schema', tamper: edit((plan) => delete plan['schema']) },
  { what: 'is of a later version', tamper: edit((plan) => (plan['version'] = 3)) },
  { what: 'has a version that is text', tamper: edit((plan) => (plan['version'] = '1')) },
  { what: 'names no host', tamper: edit((plan) => delete plan['host']) },
  {
    what: 'is for an unknown release',
    tamper: edit((plan) => (plan['host'] = { where: 'x', release: '5.0', dom0: null })),
  },
  {
    what: 'is for another release',
    tamper: edit((plan) => ((plan['host'] as { [key: string]: Json })['release'] = '4.2')),
  },
  { what: 'names no spec', tamper: edit((plan) => delete plan['spec']) },
  { what: 'has no qubes', tamper: edit((plan) => delete (plan as { qubes?: unknown }).qubes) },
  { what: 'has qubes that are none', tamper: edit((plan) => plan.qubes.push(7 as never)) },
  { what: 'names a qube twice', tamper: edit((plan) => plan.qubes.push(structuredClone(qube(plan)))) },
  { what: 'names dom0', tamper: edit((plan) => (qube(plan)['qube'] = 'dom0')) },
  { what: 'calls a qube the admin qube', tamper: edit((plan) => (qube(plan)['klass'] = 'AdminVM')) },
  { what: 'names a qube that is a path', tamper: edit((plan) => (qube(plan)['qube'] = '../etc')) },
  { what: 'names a qube with a newline', tamper: edit((plan) => (qube(plan)['qube'] = 'win-a\n')) },
  {
    what: 'names a path outside',
    tamper: edit((plan) => {
      rename(plan, 'audio/model', 'firewall/rules')
    }),
  },
  {
    what: 'names the record as a feature',
    tamper: edit((plan) => {
      rename(plan, 'audio/model', `qube/features/${RECORD}`)
    }),
  },
  {
    what: 'names a path of prototypes',
    tamper: edit((plan) => {
      rename(plan, 'audio/model', '__proto__/polluted')
    }),
  },
  {
    what: 'changes a value without its patch',
    tamper: edit((plan) => (change(plan, 'audio/model')['after'] = 'sb16')),
  },
  {
    what: 'changes a patch without its value',
    tamper: edit((plan) => (change(plan, 'audio/model').patch[1]!['value'] = 'sb16')),
  },
  {
    what: 'changes value and patch and not the record',
    tamper: edit((plan) => {
      setAfter(plan, 'audio/model', 'sb16')
    }),
  },
  {
    what: 'has a patch without its guard',
    tamper: edit((plan) => change(plan, 'audio/model').patch.shift()),
  },
  {
    what: 'has a weaker guard',
    tamper: edit((plan) => (change(plan, 'audio/model').patch[0]!['value'] = null)),
  },
  {
    what: 'has a patch with one operation more',
    tamper: edit((plan) =>
      change(plan, 'audio/model').patch.push({ op: 'remove', path: '/win-b/audio/model' }),
    ),
  },
  {
    what: 'has another inverse',
    tamper: edit((plan) => (change(plan, 'audio/model').inverse[1]!['value'] = 'sb16')),
  },
  {
    what: 'has no patch',
    tamper: edit((plan) => delete (change(plan, 'audio/model') as { patch?: unknown }).patch),
  },
  {
    what: 'has a value of another kind',
    tamper: edit((plan) => {
      setAfter(plan, 'qube/memory', true)
    }),
  },
  {
    what: 'has a value with a newline',
    tamper: edit((plan) => {
      setAfter(plan, 'audio/model', 'ich6\nx')
    }),
  },
  {
    what: 'has an object for a value',
    tamper: edit((plan) => {
      setAfter(plan, 'audio/model', { mode: 'auto-attach' })
    }),
  },
  {
    what: 'changes a setting twice',
    tamper: edit((plan) => qube(plan).changes.push(structuredClone(change(plan, 'audio/model')))),
  },
  {
    what: 'shows other calls than are made',
    tamper: edit((plan) => (change(plan, 'audio/model')['calls'] = [])),
  },
  {
    what: 'shows a call of another method',
    tamper: edit(
      (plan) =>
        (change(plan, 'audio/model')['calls'] = [
          { dest: 'win-a', method: 'admin.vm.Kill', arg: '', payload: '' },
        ]),
    ),
  },
  { what: 'has a record that is no text', tamper: edit((plan) => (qube(plan).record.after = 7 as never)) },
  { what: 'has a record that is no record', tamper: edit((plan) => (qube(plan).record.after = 'mine')) },
  {
    what: 'has a record of another qube',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (r['uuid'] = '30000000-0000-4000-8000-000000000000'))
    }),
  },
  {
    what: 'has a record of another configuration',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (r['name'] = 'theirs'))
    }),
  },
  {
    what: 'has a record that claims another setting',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (owned(r)['qube/features/os'] = 'Windows'))
    }),
  },
  {
    what: 'has a record that claims another value',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (owned(r)['audio/model'] = 'sb16'))
    }),
  },
  {
    what: 'has a record that forgets what it sets',
    tamper: edit((plan) => {
      editRecord(plan, (r) => delete owned(r)['audio/model'])
    }),
  },
  {
    what: 'has a record that names what nobody manages',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (owned(r)['x/y'] = 1))
    }),
  },
  {
    what: 'has a record that claims another original',
    tamper: edit((plan) => {
      editRecord(plan, (r) => (r['orig'] = { ...(r['orig'] as { [key: string]: Json }), 0: 'sb16' }))
    }),
  },
  {
    what: 'gives back another value than there was',
    tamper: edit((plan) => {
      setAfter(plan, 'qube/vcpus', 7)
    }),
  },
  {
    what: 'takes a record over that needs no one to',
    tamper: edit((plan) => (qube(plan)['takesOver'] = 'yes')),
  },
  { what: 'forgets all that is owned', tamper: edit((plan) => (qube(plan).record.after = null)) },
  {
    what: 'gives no UUID and a record for any qube',
    tamper: edit((plan) => {
      qube(plan)['uuid'] = null
      editRecord(plan, (r) => (r['uuid'] = ''))
    }),
  },
  {
    what: 'says nothing that a plan says of what it withdraws',
    tamper: edit((plan) => (qube(plan)['leaves'] = 'yes')),
  },
  {
    what: 'asks consent for other withdrawals than it makes',
    tamper: edit((plan) => {
      plan['consent'] = {
        qubes: [{ qube: 'win-a', leaves: [], isWhole: false }],
        withdrawals: [],
        digest: 'a'.repeat(64),
      }
    }),
  },
  { what: 'has notes that are none', tamper: edit((plan) => (qube(plan)['notes'] = [null])) },
  {
    what: 'has a note that moves the cursor',
    tamper: edit((plan) => (qube(plan)['notes'] = [{ kind: 'clone', path: null, text: '\u001b[2J' }])),
  },
  {
    what: 'has a reason that moves the cursor',
    tamper: edit((plan) => (change(plan, 'audio/model')['reason'] = '\u001b[2Jnew')),
  },
  {
    what: 'has an effect that is none',
    tamper: edit((plan) => (change(plan, 'audio/model')['effect'] = { a: 1 })),
  },
  {
    what: 'has remarks that are none',
    tamper: edit((plan) => (change(plan, 'audio/model')['remarks'] = [7])),
  },
  { what: 'has a blocked entry that is none', tamper: edit((plan) => (qube(plan)['blocked'] = [{}])) },
  { what: 'has tables that are none', tamper: edit((plan) => (plan['tables'] = { ['a'.repeat(64)]: 5 })) },
  {
    what: 'is for a host whose name moves the cursor',
    tamper: edit((plan) => ((plan['host'] as { [key: string]: Json })['where'] = '\u001b[2J')),
  },
  {
    what: 'has a configuration name that is none',
    tamper: edit((plan) => ((plan['spec'] as { [key: string]: Json })['name'] = 7)),
  },
]

async function savedPlan(t: TestContext): Promise<{ host: TestHost; path: string; plan: Tree }> {
  const host = await startHost(t, {
    fixture: windowsHost([{ name: 'win-a', features: { os: 'Windows' } }, { name: 'win-b' }]),
  })
  const [spec, first, path] = ['spec.yaml', 'first.yaml', 'plan.json'].map((name) =>
    join(host.folder, name),
  ) as [string, string, string]
  writeFileSync(spec, SPEC)
  writeFileSync(first, FIRST)
  assert.equal((await runCli(host, ['apply', '--yes', first])).code, 0)
  assert.equal((await runCli(host, ['plan', spec, '-o', path])).code, 0)
  host.simulator.clearLog()
  return { host, path, plan: JSON.parse(readFileSync(path, 'utf8')) as Tree }
}

test('a saved plan that nobody touched is applied, and once only', async (t) => {
  const { host, path } = await savedPlan(t)
  const applied = await runCli(host, ['apply', '--yes', path])
  assert.equal(applied.code, 0, applied.out + applied.err)
  const after = host.snapshot()
  const again = await runCli(host, ['apply', '--yes', path])
  assert.equal(again.code, 4, again.out)
  assert.deepEqual(differences(after, host.snapshot()), [])
})

for (const { what, tamper } of TAMPERED) {
  test(`a plan that ${what} is refused, and nothing is written`, async (t) => {
    const { host, path, plan } = await savedPlan(t)
    const untouched = JSON.stringify(plan)
    const text = tamper(plan) ?? JSON.stringify(plan)
    assert.notEqual(text, untouched, 'the case tampers with something')
    writeFileSync(path, text)
    const before = host.snapshot()
    const applied = await runCli(host, ['apply', '--yes', path])
    assert.ok([1, 4].includes(applied.code), `${applied.code}: ${applied.out}${applied.err}`)
    assert.doesNotMatch(applied.err, /bug in qstate/)
    assert.equal(host.simulator.writes(), 0, applied.out)
    assert.deepEqual(differences(before, host.snapshot()), [])
    assert.ok(!(applied.out + applied.err).includes('\u001b'), 'nothing of it moves the cursor')
  })
}

test('a plan that is larger than any is refused before it is read', async (t) => {
  const { host, path } = await savedPlan(t)
  writeFileSync(path, Buffer.alloc(64 * 1024 * 1024 + 1, ' '))
  const applied = await runCli(host, ['apply', '--yes', path])
  assert.equal(applied.code, 1)
  assert.equal(host.simulator.writes(), 0)
})

test('a plan whose table file is gone or changed fails that setting and nothing else', async (t) => {
  const host = await startHost(t, { fixture: windowsHost([{ name: 'win-a' }, { name: 'win-b' }]) })
  const [spec, path, table] = ['spec.yaml', 'plan.json', 'slic.bin'].map((name) =>
    join(host.folder, name),
  ) as [string, string, string]
  const bytes = readFileSync(join(host.dom0, 'sys/firmware/acpi/tables/SLIC'))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(table, bytes)
  writeFileSync(
    spec,
    `apiVersion: qstate/v1\nqubes:\n  win-a: { slic: { tables: [{ file: ./slic.bin, sha256: ${sha256} }] }, tags: [office] }\n  win-b: { tags: [office] }\n`,
  )
  const planned = await runCli(host, ['plan', spec, '-o', path])
  assert.equal(planned.code, 0, planned.out + planned.err)
  writeFileSync(table, 'other')
  const changed = await runCli(host, ['apply', '--yes', path])
  assert.equal(changed.code, 3, changed.out + changed.err)
  assert.equal(host.snapshot().get('win-b tag office'), 'yes')
  assert.equal(host.snapshot().get('win-a tag office'), 'yes')
  assert.equal(host.snapshot().has('file etc/qubes/templates/libvirt/xen/by-name/win-a.xml'), false)
})
