import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { git, repositoryOf } from '../../git/git.ts'
import { originsOf } from '../../git/origins.ts'
import { hasCode, QstateError } from '../../spec/diagnostics/index.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { type Scope, tempFolder } from '../support/temp.ts'

const SPEC = 'apiVersion: qstate/v1\nqubes: {}\n'

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
  const { repo, hosts, trace } = trap(t)
  const origins = await originsOf(new Map([[join(hosts, 'x.yaml'), SPEC]]))
  assert.deepEqual(
    origins.map(({ repository }) => repository),
    [repo.folder],
  )
  assert.throws(() => repositoryOf(hosts), QstateError)
  assert.equal(existsSync(trace), false)
})

test('tells the repository around a folder, and where in it that is', (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'hosts/a.yaml': SPEC })
  const found = repositoryOf(join(repo.folder, 'hosts'))
  assert.deepEqual(found, { gitDir: repo.gitDir, prefix: 'hosts/' })
})

/** What the files of a repository are of, as they are read now. */
const originsIn = async (repo: Repository, ...paths: string[]): Promise<unknown> => {
  const texts = paths.map((path) => [join(repo.folder, path), readFileSync(join(repo.folder, path), 'utf8')])
  return (await originsOf(new Map(texts as [string, string][]))).map(({ commit, files }) => [commit, files])
}

test('every file that was used decides whether the commit has them all', async (t) => {
  const repo = makeRepository(t)
  const commit = repo.commit({
    'a.yaml': SPEC,
    'hosts/b c ä.yaml': SPEC,
    'other.yaml': SPEC,
    'real/d.yaml': SPEC,
    'hosts/link.yaml': { linkTo: '../real/d.yaml' },
    '.gitignore': 'ignored\n',
    '.gitattributes': '* text eol=crlf\n',
  })
  const used = ['a.yaml', 'hosts/b c ä.yaml']
  assert.deepEqual(await originsIn(repo, ...used), [[commit, used]])
  repo.write({ 'other.yaml': '# x\n', 'new.yaml': SPEC })
  assert.deepEqual(await originsIn(repo, ...used), [[commit, used]], 'other files are not of this run')
  repo.git('update-index', '--assume-unchanged', 'a.yaml')
  assert.deepEqual(await originsIn(repo, 'real/d.yaml'), [[commit, ['real/d.yaml']]])
  repo.write({ 'ignored/i.yaml': SPEC })
  for (const [path, change] of [
    [
      'hosts/b c ä.yaml',
      () => {
        repo.write({ 'hosts/b c ä.yaml': `${SPEC}# x\n` })
      },
    ],
    [
      'a.yaml',
      () => {
        repo.write({ 'a.yaml': `${SPEC}# x\n` })
      },
    ],
    ['new.yaml', () => undefined],
    ['ignored/i.yaml', () => undefined],
    ['line\nfeed.yaml', () => repo.commit({ 'line\nfeed.yaml': SPEC })],
  ] as const) {
    change()
    const [[found]] = (await originsIn(repo, 'real/d.yaml', path)) as [[string]]
    assert.match(found, /^[0-9a-f]{40}\+$/, path)
  }
  const linked = makeRepository(t)
  const at = linked.commit({ 'real.yaml': SPEC, 'link.yaml': { linkTo: 'real.yaml' } })
  assert.deepEqual(await originsIn(linked, 'link.yaml'), [[at, ['real.yaml']]], 'as it was read')
})

test('a file that was removed from a folder of the spec is a difference', async (t) => {
  const repo = makeRepository(t)
  const commit = repo.commit({
    'hosts/a.yaml': SPEC,
    'hosts/b.yaml': SPEC,
    'hosts/.x/c.yaml': SPEC,
    'd.yaml': SPEC,
  })
  const hosts = join(repo.folder, 'hosts')
  const commitFor = async (...names: string[]): Promise<unknown> =>
    (await originsOf(new Map(names.map((name) => [join(hosts, name), SPEC])), [hosts]))[0]?.commit
  assert.equal(await commitFor('a.yaml', 'b.yaml'), commit)
  assert.equal(await commitFor('a.yaml'), `${commit}+`)
})

test('a repository of SHA-256, one without a commit, and no repository', async (t) => {
  const folder = join(tempFolder(t), 'sha256')
  mkdirSync(folder)
  execFileSync('git', ['init', '--quiet', '--object-format=sha256', folder])
  const repo = makeRepository(t, folder)
  repo.write({ 'a.yaml': SPEC })
  assert.deepEqual(await originsIn(repo, 'a.yaml'), [[null, ['a.yaml']]])
  const commit = repo.commit({})
  assert.equal(commit.length, 64)
  assert.deepEqual(await originsIn(repo, 'a.yaml'), [[commit, ['a.yaml']]])
  const outside = join(tempFolder(t), 'a.yaml')
  assert.deepEqual(await originsOf(new Map([[outside, SPEC]])), [
    { repository: null, commit: null, files: [outside] },
  ])
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
