import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { branchSource, type News, orderedSource, type Source } from '../../agent/loop/source.ts'
import { pathsLayout } from '../../git/layout/index.ts'
import { openMirror } from '../../git/mirror.ts'
import { base, look, makeWorld, never, NONE, signers, SPEC, wordOf } from './source-world.ts'

/** One that is in force, and whose files are not known any more. */
const unknown = (commit: string): Parameters<Source['look']>[0] => ({
  base: { commit, known: false },
  accepted: null,
  ordered: null,
})

test('brings a commit, tells when there is nothing new, and reads one again', async (t) => {
  const { repo, source } = makeWorld(t)
  const first = repo.commit({ 'a.yaml': SPEC })
  const from = source()
  const news = await look(from, null)
  assert.ok(news.kind === 'commit')
  assert.equal(news.commit, first)
  assert.equal(news.revision.files.get('a.yaml'), SPEC)
  assert.equal(wordOf(await look(from, first)), 'unchanged')
  assert.equal(from.recall(first)?.files.get('a.yaml'), SPEC)
  assert.equal(from.recall('0'.repeat(40)), null)
  // Its files are not known any more: they are brought again.
  assert.equal(wordOf(await from.look(unknown(first), never)), 'commit')
})

test('takes signed commits of those who may sign, and tells who did', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice, bela } = signers(t, folder)
  const first = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  const from = source({ trust })
  const news = await look(from, null)
  assert.equal(news.kind === 'commit' && news.signers, 'alice@example.org')
  repo.commit({ 'b.yaml': SPEC }, { sshKey: bela })
  repo.commit({ 'c.yaml': SPEC }, { sshKey: alice })
  const more = await look(from, first)
  assert.equal(more.kind === 'commit' && more.signers, 'alice@example.org, bela@example.org')
})

for (const [what, mode] of [
  ['anybody', 0o666],
  ['its group', 0o664],
] as const)
  test(`judges nothing by keys that ${what} may write`, async (t) => {
    const { folder, repo, source } = makeWorld(t)
    const { trust, alice } = signers(t, folder)
    assert.ok(trust.by === 'ssh')
    const revoked = join(folder, 'revoked')
    writeFileSync(revoked, '')
    repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
    for (const file of [trust.allowedSigners, revoked]) {
      chmodSync(file, mode)
      const news = await look(source({ trust: { ...trust, revoked } }), null)
      assert.ok(news.kind === 'unreachable')
      assert.equal(news.problem.code, 'bad-trust')
      assert.match(news.problem.message, /may be written by others/)
      assert.ok(news.problem.message.startsWith(file))
      chmodSync(file, 0o644)
    }
    assert.equal(wordOf(await look(source({ trust: { ...trust, revoked } }), null)), 'commit')
  })

test('a commit that is dated before the active one is taken, and marked', async (t) => {
  const { repo, source } = makeWorld(t)
  const dated = (date: string, files: Record<string, string>): string => {
    const commit = repo.commit(files)
    const tree = repo.git('rev-parse', `${commit}^{tree}`)
    const parents = repo.git('log', '-1', '--format=%P', commit)
    const body = `tree ${tree}\n${parents === '' ? '' : `parent ${parents}\n`}author A <a@b.c> ${date} +0000\ncommitter A <a@b.c> ${date} +0000\n\nx\n`
    const file = join(repo.folder, '.git', 'made')
    writeFileSync(file, body)
    const made = repo.git('hash-object', '-t', 'commit', '-w', file)
    repo.git('update-ref', 'refs/heads/main', made)
    return made
  }
  const first = dated('1700000000', { 'a.yaml': SPEC })
  const from = source()
  const begun = await look(from, null)
  assert.ok(begun.kind === 'commit')
  assert.equal(begun.backdated, false)
  const second = dated('1600000000', { 'a.yaml': `${SPEC}# older\n` })
  const older = await look(from, first)
  assert.ok(older.kind === 'commit')
  assert.deepEqual([older.commit, older.backdated], [second, true])
  dated('1700000001', { 'a.yaml': `${SPEC}# newer\n` })
  const newer = await look(from, second)
  assert.ok(newer.kind === 'commit')
  assert.equal(newer.backdated, false)
})

test('refuses what is not signed, or signed by another, and looks no further', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice, eve } = signers(t, folder)
  const good = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  const from = source({ trust })
  assert.equal(wordOf(await look(from, null)), 'commit')
  for (const [options, why] of [
    [{}, /it is not signed/],
    [{ sshKey: eve }, /not among those allowed/],
  ] as const) {
    repo.commit({ 'a.yaml': null, 'broken.yaml': ': :' }, options)
    const news = await look(from, good)
    assert.equal(news.kind === 'refused' && news.problem.code, 'bad-signature')
    assert.match(news.kind === 'refused' ? news.problem.message : '', why)
    repo.git('reset', '--quiet', '--hard', good)
  }
})

test('judges every commit since the one in force, or only the newest, as its policy says', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  const good = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  repo.commit({ 'b.yaml': SPEC })
  repo.commit({ 'c.yaml': SPEC }, { sshKey: alice })
  const refused = await look(source({ trust }), good)
  assert.equal(wordOf(refused), 'bad-signature')
  assert.ok(refused.kind === 'refused')
  assert.match(refused.problem.hint, /each commit since the one in force counts/)
  assert.match(refused.problem.hint, /rewrite the branch from there on/)
  assert.match(refused.problem.hint, /`commits: tip` under `verify`/)
  assert.equal(wordOf(await look(source({ trust, commits: 'tip' }), good)), 'commit')
})

test('an unsigned commit that came by a merge counts, too', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  const good = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  repo.git('checkout', '--quiet', '-b', 'side')
  repo.commit({ 'side.yaml': SPEC })
  repo.git('checkout', '--quiet', 'main')
  repo.commit({ 'b.yaml': SPEC }, { sshKey: alice })
  repo.git(
    '-c',
    'gpg.format=ssh',
    '-c',
    `user.signingKey=${alice}`,
    'merge',
    '--quiet',
    '-S',
    '--no-edit',
    'side',
  )
  assert.equal(wordOf(await look(source({ trust }), good)), 'bad-signature')
})

test('a key that has been revoked signs no more', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  const revoked = join(folder, 'revoked')
  writeFileSync(revoked, execFileSync('ssh-keygen', ['-y', '-f', alice]))
  assert.ok(trust.by === 'ssh')
  const news = await look(source({ trust: { ...trust, revoked } }), null)
  assert.equal(wordOf(news), 'bad-signature')
})

test('nothing is judged while a file that says whom to trust cannot be read', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  assert.ok(trust.by === 'ssh')
  const nowhere = join(folder, 'nowhere')
  for (const [key, unreadable] of [
    ['revoked', { ...trust, revoked: nowhere }],
    ['revoked', { ...trust, revoked: folder }],
    ['allowedSigners', { ...trust, allowedSigners: nowhere }],
    ['keyring', { by: 'gpg', keyring: nowhere }],
  ] as const) {
    const news = await look(source({ trust: unreadable }), null)
    assert.ok(news.kind === 'unreachable', `${key}: ${wordOf(news)}`)
    assert.equal(news.problem.code, 'bad-trust')
    assert.match(news.problem.message, new RegExp(`\\(\`${key}\` of \`verify\`\\) cannot be read`))
  }
  const garbage = join(folder, 'garbage')
  writeFileSync(garbage, 'no key at all\n')
  assert.equal(wordOf(await look(source({ trust: { ...trust, revoked: garbage } }), null)), 'bad-signature')
})

test('a mirror that turns out to be damaged when it is read is made anew', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const first = repo.commit({ 'a.yaml': SPEC })
  const from = source()
  assert.equal(wordOf(await look(from, null)), 'commit')
  const packs = join(folder, 'mirror-1.git/objects/pack')
  for (const name of readdirSync(packs).filter((path) => path.endsWith('.pack'))) {
    const path = join(packs, name)
    const bytes = readFileSync(path)
    // The text of the file, somewhere behind the header: commit and tree come before it.
    bytes.fill(0, bytes.length - 40, bytes.length - 20)
    chmodSync(path, 0o600)
    writeFileSync(path, bytes)
  }
  assert.equal(from.recall(first), null)
  const news = await from.look(unknown(first), never)
  assert.ok(news.kind === 'commit', JSON.stringify(news))
  assert.equal(news.revision.files.get('a.yaml'), SPEC)
})

test('history that is rewritten or set back is refused, until a person takes the commit', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  const first = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  const second = repo.commit({ 'b.yaml': SPEC }, { sshKey: alice })
  const from = source({ trust })
  assert.equal(wordOf(await look(from, null)), 'commit')

  repo.git('reset', '--quiet', '--hard', first)
  assert.equal(wordOf(await look(from, second)), 'rewound')
  const other = repo.commit({ 'c.yaml': SPEC }, { sshKey: alice })
  const news = await look(from, second)
  assert.equal(wordOf(news), 'rewound')
  assert.match(news.kind === 'refused' ? news.problem.hint : '', new RegExp(`accept ${other.slice(0, 12)}`))
  assert.equal(wordOf(await look(from, second, first)), 'rewound')
  assert.equal(wordOf(await look(from, second, other.slice(0, 12))), 'commit')
  // Taken or not, it has to be signed.
  repo.git('reset', '--quiet', '--hard', first)
  const unsigned = repo.commit({ 'd.yaml': SPEC })
  assert.equal(wordOf(await look(from, second, unsigned)), 'bad-signature')
})

test('follows a tag that is moved as commits are released', async (t) => {
  const { repo, source } = makeWorld(t)
  const first = repo.commit({ 'a.yaml': SPEC })
  repo.git('tag', '--annotate', '--no-sign', '-m', 'release', 'stable')
  const second = repo.commit({ 'b.yaml': SPEC })
  const from = source({ tag: 'stable' })
  const news = await look(from, null)
  assert.equal(news.kind === 'commit' && news.commit, first)
  repo.git('tag', '--force', '--annotate', '--no-sign', '-m', 'release', 'stable')
  const later = await look(from, first)
  assert.equal(later.kind === 'commit' && later.commit, second)
})

test('reads a bundle, as one is carried to a machine that reaches no server', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const commit = repo.commit({ 'a.yaml': SPEC })
  const bundle = join(folder, 'qubes.bundle')
  repo.git('bundle', 'create', '--quiet', bundle, 'main')
  const news = await look(source({ url: bundle }), null)
  assert.equal(news.kind === 'commit' && news.commit, commit)
})

test('a repository that cannot be reached, or has no such branch, is unreachable and no commit', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const gone = await look(source({ url: join(folder, 'nowhere') }), null)
  assert.equal(gone.kind === 'unreachable' && gone.problem.code, 'git-failed')
  // It has no commit yet, so no branch.
  assert.equal(wordOf(await look(source(), null)), 'unreachable')
  repo.commit({ 'a.yaml': SPEC })
  assert.equal(wordOf(await look(source({ url: 'ext::sh -c true' }), null)), 'unreachable')
})

test('where its own place cannot be written it is looked again later, and the place is told', async (t) => {
  const { folder, repo } = makeWorld(t)
  repo.commit({ 'a.yaml': SPEC })
  const taken = join(folder, 'taken')
  writeFileSync(taken, '')
  const origin = { url: repo.folder, ref: { kind: 'branch', name: 'main' }, maxBytes: 2 ** 26 } as const
  const mirror = openMirror(join(taken, 'mirror.git'), {
    ...origin,
    identity: null,
    knownHosts: null,
    credentials: null,
  })
  const source = branchSource(mirror, { trust: NONE, commits: 'all', layout: pathsLayout(['.']) })
  const news = await look(source, null)
  assert.ok(news.kind === 'unreachable', JSON.stringify(news))
  assert.equal(news.problem.code, 'system-error')
  assert.ok(news.problem.message.startsWith(taken), news.problem.message)
})

test('brings no more than it may', async (t) => {
  const { repo, source } = makeWorld(t)
  // Bytes that do not compress.
  repo.commit({ 'a.yaml': SPEC, 'noise.bin': randomBytes(400_000) })
  const news = await look(source({ maxBytes: 100_000 }), null)
  assert.equal(news.kind === 'unreachable' && news.problem.code, 'git-too-large')
  assert.equal(wordOf(await look(source({ maxBytes: 1_000_000 }), null)), 'commit')
})

test('runs nothing that a repository brings: no hook, no filter, no submodule', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const trace = join(folder, 'it-ran')
  repo.commit({
    'a.yaml': SPEC,
    '.gitattributes': '* filter=evil diff=evil\n',
    '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch ${trace}"\n`,
    '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:9/\n',
  })
  mkdirSync(join(repo.folder, '.git/hooks'), { recursive: true })
  for (const hook of ['post-checkout', 'reference-transaction', 'post-update', 'pre-auto-gc'])
    writeFileSync(join(repo.folder, '.git/hooks', hook), `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 })
  assert.equal(wordOf(await look(source({ paths: ['a.yaml'] }), null)), 'commit')
  assert.equal(existsSync(trace), false)
})

test('a revision that leads elsewhere is refused for what it holds', async (t) => {
  const { repo, source } = makeWorld(t)
  repo.commit({ 'a.yaml': SPEC, 'b.yaml': { linkTo: '/etc/passwd' } })
  assert.equal(wordOf(await look(source(), null)), 'refused-content')
})

/** What becomes of an order, with this commit in force. */
const order = (
  source: Source,
  commit: string,
  { from = null, back = false }: { from?: string | null; back?: boolean } = {},
): Promise<News> =>
  source.look(
    { base: from === null ? null : base(from), accepted: null, ordered: { id: '1.1', commit, back } },
    never,
  )

test('takes the commit that is ordered, wherever the branch stands, and nothing until one is', async (t) => {
  const { repo, source } = makeWorld(t)
  const from = source({ kind: orderedSource })
  assert.equal(wordOf(await look(from, null)), 'nothing')
  const first = repo.commit({ 'a.yaml': SPEC })
  const second = repo.commit({ 'a.yaml': SPEC + '#' })
  repo.commit({ 'a.yaml': null })
  const news = await order(from, second, { from: first })
  assert.ok(news.kind === 'commit', JSON.stringify(news))
  assert.equal(news.revision.files.get('a.yaml'), `${SPEC}#`)
  // What was in force before the first order stays so.
  assert.equal(wordOf(await look(from, first)), 'unchanged')
})

test('an order goes back only where it says so, and never past a signature', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice, eve } = signers(t, folder)
  const first = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  const second = repo.commit({ 'a.yaml': SPEC + '#' }, { sshKey: alice })
  const third = repo.commit({ 'a.yaml': SPEC + '##' }, { sshKey: eve })
  const from = source({ kind: orderedSource, trust })
  assert.equal(wordOf(await order(from, second)), 'commit')
  assert.equal(wordOf(await order(from, first, { from: second })), 'rewound')
  assert.equal(wordOf(await order(from, first, { from: second, back: true })), 'commit')
  assert.equal(wordOf(await order(from, third, { from: second })), 'bad-signature')
  assert.equal(wordOf(await order(from, third, { from: second, back: true })), 'bad-signature')
})

test('an order of a tree is no order of a commit: nobody has signed it', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, alice } = signers(t, folder)
  const first = repo.commit({ 'a.yaml': SPEC }, { sshKey: alice })
  repo.commit({ 'a.yaml': SPEC + '#' })
  const tree = repo.git('rev-parse', 'HEAD^{tree}')
  for (const trusted of [trust, NONE]) {
    const from = source({ kind: orderedSource, trust: trusted })
    assert.equal(wordOf(await order(from, first)), 'commit')
    assert.equal(wordOf(await order(from, tree)), 'unreachable')
    assert.equal(wordOf(await order(from, tree, { from: first, back: true })), 'unreachable')
  }
})

test('a copy that was damaged is made anew when an order comes', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const first = repo.commit({ 'a.yaml': SPEC })
  const from = source({ kind: orderedSource })
  assert.equal(wordOf(await order(from, first)), 'commit')
  const second = repo.commit({ 'a.yaml': SPEC + '#' })
  writeFileSync(join(folder, 'mirror-1.git', 'HEAD'), '')
  assert.equal(wordOf(await order(from, second, { from: first })), 'commit')
})

test('a commit that is ordered and not there is looked for again', async (t) => {
  const { repo, source } = makeWorld(t)
  repo.commit({ 'a.yaml': SPEC })
  const from = source({ kind: orderedSource })
  const news = await order(from, 'c'.repeat(40))
  assert.ok(news.kind === 'unreachable', JSON.stringify(news))
  assert.match(news.problem.message, /cccccccccccc, which was ordered, is not in the repository/)
  // One that is here needs nobody: the repository may be away.
  const second = repo.commit({ 'a.yaml': SPEC + '#' })
  assert.equal(wordOf(await order(from, second)), 'commit')
  renameSync(repo.folder, `${repo.folder}.away`)
  assert.equal(wordOf(await order(from, second)), 'commit')
})
