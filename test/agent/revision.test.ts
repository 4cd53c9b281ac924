import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRevision } from '../../git/revision.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { makeRepository } from '../support/repository.ts'

const paths = (files: ReadonlyMap<string, unknown>): readonly string[] => [...files.keys()].sort()

test('reads the files of a commit as they were, whatever the work tree holds', (t) => {
  const repo = makeRepository(t)
  const first = repo.commit({ 'hosts/a.yaml': 'one\n', 'hosts/deep/b.yml': 'b\n', 'README.md': '#' })
  repo.commit({ 'hosts/a.yaml': 'two\n' })
  repo.write({ 'hosts/a.yaml': 'three\n' })
  const then = readRevision(repo.gitDir, first, ['hosts'])
  assert.equal(then.commit, first)
  assert.deepEqual(paths(then.files), ['hosts/a.yaml', 'hosts/deep/b.yml'])
  assert.equal(then.files.get('hosts/a.yaml'), 'one\n')
  assert.equal(readRevision(repo.gitDir, 'main', ['']).files.get('hosts/a.yaml'), 'two\n')
})

test('reads a tree that is no commit, as a hook has one of what is staged', (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': 'one\n' })
  repo.write({ 'a.yaml': 'staged\n' })
  repo.git('add', '--all')
  const tree = repo.git('write-tree')
  repo.write({ 'a.yaml': 'later\n' })
  const staged = readRevision(repo.gitDir, tree, ['.'])
  assert.equal(staged.commit, null)
  assert.equal(staged.files.get('a.yaml'), 'staged\n')
})

const REFUSED: readonly [string, Record<string, string | { linkTo: string }>, RegExp][] = [
  [
    'a link among the YAML files',
    { 'hosts/b.yaml': { linkTo: '/etc/passwd' } },
    /b\.yaml is a symbolic link/,
  ],
  ['a link that may be a folder', { 'hosts/more': { linkTo: '../..' } }, /hosts\/more is a symbolic link/],
  ['a file kept elsewhere', { 'hosts/b.yaml': 'version https://git-lfs.github.com/spec/v1\n' }, /git-lfs/],
  ['a file that is too large', { 'hosts/b.yaml': '#'.repeat(1024 * 1024 + 1) }, /larger than 1 MiB/],
]

for (const [what, files, why] of REFUSED) {
  test(`refuses ${what}`, (t) => {
    const repo = makeRepository(t)
    repo.commit({ 'hosts/a.yaml': 'a\n', ...files })
    assert.throws(
      () => readRevision(repo.gitDir, 'HEAD', ['hosts']),
      (error: unknown) =>
        error instanceof QstateError && error.code === 'refused-content' && why.test(error.message),
    )
  })
}

test('refuses a submodule among the files of a spec', (t) => {
  const repo = makeRepository(t)
  const commit = repo.commit({ 'hosts/a.yaml': 'a\n' })
  repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},hosts/shared`)
  repo.git('commit', '--quiet', '-m', 'Add a submodule')
  assert.throws(() => readRevision(repo.gitDir, 'HEAD', ['hosts']), /hosts\/shared is a submodule/)
})

test('leads nowhere outside the repository', (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': 'a\n', 'slic.bin': 'table', 'link.bin': { linkTo: '/etc/passwd' } })
  for (const path of ['..', '../x', '/etc', 'hosts/../../x'])
    assert.throws(() => readRevision(repo.gitDir, 'HEAD', [path]), /leads out of the repository/, path)
  const { read } = readRevision(repo.gitDir, 'HEAD', ['a.yaml'])
  assert.equal(read('slic.bin', 'a.yaml').toString(), 'table')
  assert.match(String(read('../slic.bin', 'a.yaml')), /leads out of the repository/)
  assert.match(String(read('/etc/passwd', 'a.yaml')), /not in the repository/)
  assert.match(String(read('link.bin', 'a.yaml')), /symbolic link/)
  assert.match(String(read('none.bin', 'a.yaml')), /no such file/)
})

test('says which revision or path is not there', (t) => {
  const repo = makeRepository(t)
  repo.commit({ 'a.yaml': 'a\n', 'docs/x.md': '' })
  const fails = (rev: string, path: string, why: RegExp): void => {
    assert.throws(() => readRevision(repo.gitDir, rev, [path]), why, `${rev} ${path}`)
  }
  fails('no-such', '', /there is no revision “no-such”/)
  fails('--help', '', /there is no revision “--help”/)
  fails('main', 'hosts', /hosts is not there \(main\)/)
  fails('main', 'docs', /docs holds no file that ends in \.yaml/)
})
