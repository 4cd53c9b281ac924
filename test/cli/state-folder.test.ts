import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { defaultStateDir, staysAtRestart } from '../../app/host/state-dir.ts'
import { stateFolder } from '../../app/doctor/host-checks.ts'
import { makeFolder, writeDurably } from '../../journal/files.ts'
import { isSharedBy, safeFolder, whyUnsafe } from '../../journal/state-folder.ts'
import { type Host, simulatedHost } from './run-cli.ts'
import { tempFolder } from '../support/temp.ts'

/** A state folder that others may write decides nothing here. */

async function appliedHost(
  t: TestContext,
): Promise<{ host: Host; spec: string; state: string; place: string }> {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { vcpus: 3 } }\n')
  assert.equal((await host.qstate('apply', '--yes', spec)).code, 0)
  const state = join(host.folder, 'state')
  return { host, spec, state, place: join(state, 'hosts', readdirSync(join(state, 'hosts'))[0] ?? '') }
}

test('nothing in a state folder that others may write is believed, by any command, and the hint makes it right', async (t) => {
  const { host, spec, state, place } = await appliedHost(t)
  mkdirSync(join(place, 'agent'), { mode: 0o700 })
  for (const folder of [state, join(state, 'hosts'), place])
    for (const mode of [0o770, 0o707, 0o1777]) {
      chmodSync(folder, mode)
      const writes = host.simulator.writes()
      for (const argv of [
        ['history'],
        ['rollback', '--yes'],
        ['plan', spec],
        ['apply', '--yes', spec],
        ['status', spec],
        ['agent', 'suspend'],
      ]) {
        const { code, out } = await host.qstate('--json', ...argv)
        assert.equal(code, 1, argv.join(' '))
        const { error } = JSON.parse(out) as { error: { code: string; message: string; hint: string } }
        assert.equal(error.code, 'unsafe-state-folder')
        assert.ok(error.message.startsWith(`${folder}: others may write there`))
        assert.ok(error.hint.includes(`\`chmod go-w ${folder}\``))
      }
      assert.equal(host.simulator.writes(), writes)
      chmodSync(folder, mode & ~0o022)
      assert.equal((await host.qstate('history')).code, 0, 'as the hint says')
      chmodSync(folder, 0o700)
    }
  chmodSync(join(place, 'agent'), 0o777)
  const { err } = await host.qstate('status', spec)
  assert.match(err.replace(/\s+/g, ' '), /agent: others may write there/)
})

test('what qstate makes itself is its own, whatever the umask, and a folder around it may be as open as /tmp', async (t) => {
  const before = process.umask(0o002)
  t.after(() => process.umask(before))
  const { host } = await appliedHost(t)
  chmodSync(dirname(join(host.folder, 'state')), 0o1777)
  assert.equal((await host.qstate('history')).code, 0)
})

test('a folder that belongs to another user, or is reached by a link of theirs, is refused', (t) => {
  const base = join(tempFolder(t), 'state')
  mkdirSync(join(base, 'hosts'), { recursive: true, mode: 0o700 })
  assert.equal(safeFolder(base, 'hosts', 'new'), join(base, 'hosts', 'new'))
  const foreign = { code: 'unsafe-state-folder', message: /belongs to another user/ }
  // Only root can give a folder away; to anybody else it is whoever asks that is another one.
  if (process.geteuid?.() !== 0) {
    t.mock.method(process as Required<Pick<NodeJS.Process, 'geteuid'>>, 'geteuid', () => 4711)
    assert.throws(() => safeFolder(base, 'hosts'), foreign)
    return
  }
  chownSync(join(base, 'hosts'), 4711, 4711)
  assert.throws(() => safeFolder(base, 'hosts'), foreign)
  chownSync(join(base, 'hosts'), 0, 0)
  renameSync(base, `${base}.real`)
  symlinkSync(`${base}.real`, base)
  assert.equal(safeFolder(base, 'hosts'), join(base, 'hosts'))
  lchownSync(base, 4711, 4711)
  assert.throws(() => safeFolder(base, 'hosts'), foreign)
})

/** Number of the group `qubes` in these tables. */
const QUBES = 998

test('a folder is shared where root has it, the group qubes may write it, and others may not', () => {
  for (const [uid, gid, mode, expected] of [
    [0, QUBES, 0o42770, true],
    [0, QUBES, 0o40770, true],
    [0, QUBES, 0o42775, true],
    [0, QUBES, 0o42777, false],
    [0, QUBES, 0o42750, false],
    [0, 100, 0o42770, false],
    [1000, QUBES, 0o42770, false],
  ] as const)
    assert.equal(isSharedBy({ uid, gid, mode }, QUBES), expected, `${uid} ${gid} ${mode.toString(8)}`)
  assert.equal(isSharedBy({ uid: 0, gid: QUBES, mode: 0o42770 }, null), false, 'a machine without the group')
})

test('in a shared folder each of the group may have made a folder; in any other only root and this user', () => {
  for (const [isShared, uid, gid, mode, expected] of [
    [true, 1000, QUBES, 0o42770, null],
    [true, 0, QUBES, 0o42770, null],
    [true, 1000, QUBES, 0o42772, 'mode'],
    [true, 1000, 100, 0o42770, 'mode'],
    [true, 1000, 100, 0o40700, null],
    [false, 0, QUBES, 0o42770, 'mode'],
    [false, 1000, QUBES, 0o40700, 'owner'],
    [false, 7, QUBES, 0o40700, null],
  ] as const)
    assert.equal(
      whyUnsafe({ uid, gid, mode }, isShared, { group: QUBES, user: 7 }),
      expected,
      `${isShared} ${uid} ${gid} ${mode.toString(8)}`,
    )
})

test('what is made in a shared folder is the group’s as well, whatever the umask; elsewhere it is the owner’s alone', async (t) => {
  const before = process.umask(0o077)
  t.after(() => process.umask(before))
  const folder = tempFolder(t)
  const modes = async (around: string): Promise<readonly string[]> => {
    const [deep, file] = [join(around, 'hosts', 'qrexec'), join(around, 'hosts', 'qrexec', 'lock')]
    await makeFolder(deep)
    await writeDurably(file, 'x')
    return [dirname(deep), deep, file].map((path) => (statSync(path).mode & 0o7777).toString(8))
  }
  for (const [name, mode, expected] of [
    ['shared', 0o2770, ['2770', '2770', '660']],
    ['own', 0o700, ['700', '700', '600']],
    ['as-open-as-tmp', 0o1777, ['700', '700', '600']],
  ] as const) {
    mkdirSync(join(folder, name))
    chmodSync(join(folder, name), mode)
    assert.deepEqual(await modes(join(folder, name)), expected, name)
  }
})

/** What a user without rights finds: root gives its own up for a while. */
async function asOther<T>(folder: string, mode: number, work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0
  chmodSync(folder, isRoot ? mode : mode & 0o555)
  if (isRoot) process.seteuid?.(4711)
  try {
    return await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o700)
  }
}

test('without the right to write in the state folder a command ends before anything, and no other folder is made', async (t) => {
  const host = await simulatedHost(t)
  const spec = join(host.folder, 'spec.yaml')
  writeFileSync(spec, 'apiVersion: qstate/v1\nqubes:\n  win10-work: { qube: { vcpus: 3 } }\n')
  const state = join(host.folder, 'closed')
  mkdirSync(state)
  chmodSync(host.folder, 0o755)
  // The folder that tests of one run have in common may be root's alone.
  if ((statSync(dirname(host.folder)).mode & 0o001) === 0) chmodSync(dirname(host.folder), 0o711)
  for (const [mode, argv] of [
    [0o755, ['apply', '--yes', spec]],
    [0o700, ['apply', '--yes', spec]],
    [0o700, ['plan', spec]],
  ] as const) {
    const { code, out } = await asOther(state, mode & (argv[0] === 'plan' ? 0o222 : 0o777), () =>
      host.qstate('--json', '--state-dir', state, ...argv),
    )
    assert.equal(code, 1)
    const { error } = JSON.parse(out) as { error: { code: string; message: string; hint: string } }
    assert.equal(error.code, 'state-folder-denied', argv.join(' '))
    assert.ok(error.message.startsWith(state))
    assert.match(error.hint, /sudo install -d -o root -g qubes -m 2770/)
  }
  assert.equal(host.simulator.requests.length, 0)
  assert.deepEqual(readdirSync(state), [])
})

test('where state is kept follows what stays of the machine, and the doctor tells where it does not', (t) => {
  const root = tempFolder(t)
  mkdirSync(join(root, 'run/qubes'), { recursive: true })
  mkdirSync(join(root, 'rw'))
  const marker = (word: string): string => join(root, 'run/qubes', `persistent-${word}`)
  assert.equal(defaultStateDir(root), '/var/lib/qstate', 'dom0')
  assert.equal(staysAtRestart('/dev/shm', root), true)
  writeFileSync(marker('full'), '')
  assert.equal(defaultStateDir(root), '/var/lib/qstate')
  renameSync(marker('full'), marker('rw-only'))
  assert.equal(defaultStateDir(root), '/rw/qstate')
  assert.equal(staysAtRestart(join(root, 'rw/qstate/not/yet'), root), true)
  // Another file system stands in for the volatile root of an app qube.
  assert.equal(staysAtRestart('/proc/qstate', root), false)
  renameSync(marker('rw-only'), marker('none'))
  assert.equal(staysAtRestart(join(root, 'rw/qstate'), root), false)

  const look = (stays: boolean): unknown => stateFolder({ stateFolder: { path: '/var/lib/qstate', stays } })
  assert.deepEqual(look(true), { verdict: 'ok', found: '/var/lib/qstate' })
  const told = look(false) as { verdict: string; problem: { code: string; hint: string } }
  assert.deepEqual([told.verdict, told.problem.code], ['problem', 'volatile-state-folder'])
  assert.match(told.problem.hint, /\/rw\/qstate/)
})
