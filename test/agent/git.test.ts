import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commitOf, type WorkFiles } from '../../git/commit.ts'
import { git, repositoryOf } from '../../git/git.ts'
import { hasCode, QstateError } from '../../spec/diagnostics/index.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { type Scope, tempFolder } from '../support/temp.ts'

const SPEC = 'apiVersion: qstate/v1\nqubes: {}\n'

const read = (folder: string, ...names: readonly string[]): WorkFiles => ({
  files: new Map(names.map((name) => [join(folder, name), readFileSync(join(folder, name))])),
  folders: [folder],
})

/** A folder `hosts` that a commit can bring: it is laid out as a bare repository that has programs to run. */
function trap(scope: Scope): { readonly repo: Repository; readonly hosts: string; readonly trace: string } {
  const [repo, inner] = [makeRepository(scope), makeRepository(scope)]
  inner.commit({ 'x.yaml': SPEC })
  const hosts = join(repo.folder, 'hosts')
  const trace = join(tempFolder(scope), 'it-ran')
  cpSync(inner.gitDir, hosts, { recursive: true })
  rmSync(join(hosts, 'hooks'), { recursive: true, force: true })
  mkdirSync(join(hosts, 'info'), { recursive: true })
  writeFileSync(join(hosts, 'info/attributes'), '* filter=x\n')
  writeFileSync(
    join(hosts, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ${hosts}\n` +
      `\tfsmonitor = touch ${trace}\n[filter "x"]\n\tclean = "touch ${trace}; cat"\n`,
  )
  writeFileSync(join(hosts, 'x.yaml'), SPEC)
  utimesSync(join(hosts, 'x.yaml'), 1, 1)
  return { repo, hosts, trace }
}

test('a folder that a commit laid out as a repository is none, and runs nothing', async (t) => {
  const { hosts, trace } = trap(t)
  assert.equal(await commitOf(read(hosts, 'x.yaml')), null)
  assert.throws(() => repositoryOf(hosts), QstateError)
  assert.equal(existsSync(trace), false)
})

test('tells the commit of files, and whether one of them differs from it', async (t) => {
  const repo = makeRepository(t)
  const commit = repo.commit({
    'hosts/a.yaml': SPEC,
    'hosts/b/c.yaml': SPEC,
    'hosts/.x/d.yaml': SPEC,
    README: 'a',
  })
  const hosts = join(repo.folder, 'hosts')
  const both = ['a.yaml', 'b/c.yaml']
  assert.equal(await commitOf(read(hosts, ...both)), commit)
  assert.deepEqual(repositoryOf(hosts), { gitDir: repo.gitDir, prefix: 'hosts/' })
  assert.equal(await commitOf({ ...read(hosts, 'a.yaml'), folders: [] }), commit, 'one file of several')
  assert.equal(await commitOf(read(hosts, 'a.yaml')), `${commit}+`, 'one has been removed')
  repo.write({ README: 'b' })
  assert.equal(await commitOf(read(hosts, ...both)), commit, 'a file that is no part of the spec')
  repo.write({ 'hosts/n.yaml': SPEC })
  assert.equal(await commitOf(read(hosts, ...both, 'n.yaml')), `${commit}+`, 'one that is new')
  repo.write({ 'hosts/n.yaml': null, 'hosts/b/c.yaml': `${SPEC}# x\n` })
  assert.equal(await commitOf(read(hosts, ...both)), `${commit}+`, 'one that was changed')
  const elsewhere = join(tempFolder(t), 'z.yaml')
  writeFileSync(elsewhere, SPEC)
  const outside = {
    files: new Map([...read(hosts, 'a.yaml').files, [elsewhere, Buffer.from(SPEC)]]),
    folders: [],
  }
  assert.equal(await commitOf(outside), `${commit}+`, 'one of another place')
})

test('a hook of a bare repository reads the one that git has named to it', (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': SPEC })
  const bare = join(tempFolder(t), 'bare.git')
  repo.git('clone', '--quiet', '--bare', repo.folder, bare)
  assert.throws(
    () => repositoryOf(bare),
    (error: unknown) => error instanceof QstateError && error.hint.includes('GIT_DIR=.'),
  )
  process.env['GIT_DIR'] = '.'
  t.after(() => delete process.env['GIT_DIR'])
  assert.deepEqual(repositoryOf(bare), { gitDir: bare, prefix: '' })
})

test('is broken off where it takes more memory, or answers more, than it may', async (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': '#'.repeat(10_000) })
  const at = { gitDir: repo.gitDir }
  const fails = (code: string) => (error: unknown) => error instanceof QstateError && error.code === code
  const input = '#'.repeat(64 * 1024 * 1024)
  const hash = ['hash-object', '--stdin']
  assert.equal((await git(at, hash, { input, maxMemoryBytes: 2 ** 29 })).length, 41)
  await assert.rejects(git(at, hash, { input, maxMemoryBytes: 2 ** 25 }), fails('git-no-memory'))
  await assert.rejects(
    git(at, ['cat-file', 'blob', 'HEAD:a.yaml'], { maxBytes: 1000 }),
    fails('git-too-large'),
  )
})

test('where there is no room left that is said, and where to make some', async (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': SPEC })
  await assert.rejects(
    git({ gitDir: repo.gitDir }, ['archive', '-o', '/dev/full', 'HEAD']),
    (error: unknown) => hasCode(error, 'git-no-room') && error.hint.endsWith(repo.gitDir),
  )
})

test('is broken off when its time is over', async (t) => {
  const repo = makeRepository(t)
  const config = ['alias.hang=!sleep 1000']
  await assert.rejects(git(repo.folder, ['hang'], { config, timeoutMs: 50 }), (error: unknown) =>
    hasCode(error, 'git-timeout'),
  )
})
