import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { safeFolder } from '../../journal/state-folder.ts'
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
