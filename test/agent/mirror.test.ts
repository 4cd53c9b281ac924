import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { credentialConfig, ownCredentials } from '../../git/credentials.ts'
import { type Origin } from '../../git/fetch.ts'
import { type Mirror, openMirror } from '../../git/mirror.ts'
import { QstateError } from '../../spec/diagnostics/index.ts'
import { makeRepository, type Repository } from '../support/repository.ts'
import { type Scope, tempFolder } from '../support/temp.ts'

const SPEC = 'apiVersion: qstate/v1\nqubes: {}\n'
const never = new AbortController().signal

interface World {
  readonly folder: string
  readonly repo: Repository
  readonly mirror: Mirror
}

function makeWorld(scope: Scope, origin: Partial<Origin> = {}): World {
  const folder = tempFolder(scope)
  const repo = makeRepository(scope)
  const mirror = openMirror(join(folder, 'mirror.git'), {
    url: repo.folder,
    ref: { kind: 'branch', name: 'main' },
    maxBytes: 2 ** 26,
    identity: null,
    knownHosts: null,
    credentials: null,
    ...origin,
  })
  return { folder, repo, mirror }
}

/** What a fetch fails with. */
async function failureOf(work: Promise<string>): Promise<QstateError> {
  const error: unknown = await work.then(
    (commit) => assert.fail(`brought ${commit}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof QstateError, String(error))
  return error
}

const packs = (mirror: Mirror): readonly string[] => readdirSync(join(mirror.folder, 'objects/pack'))
const has = (mirror: Mirror, object: string): boolean => {
  try {
    execFileSync('git', [`--git-dir=${mirror.folder}`, 'cat-file', '-e', object], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('fetches that were broken off leave nothing behind', async (t) => {
  const { repo, mirror } = makeWorld(t, { maxBytes: 200_000 })
  const good = repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  repo.commit({ 'noise.bin': randomBytes(400_000) })
  for (let times = 0; times < 3; times += 1)
    assert.equal((await failureOf(mirror.fetch(good, never))).code, 'git-too-large')
  assert.equal(packs(mirror).filter((name) => !/^pack-.*\.(?:pack|idx|rev)$/.test(name)).length, 0)
  writeFileSync(join(mirror.folder, 'objects/pack/tmp_pack_killed'), randomBytes(1000))
  repo.git('reset', '--quiet', '--hard', good)
  assert.equal(await mirror.fetch(good, never), good)
  assert.deepEqual(
    packs(mirror).filter((name) => name.startsWith('tmp_')),
    [],
  )
})

test('all that a fetch brought is counted, and stays refused', async (t) => {
  const { repo, mirror } = makeWorld(t, { maxBytes: 150_000 })
  // The pack is within the bound; with its index it is not.
  repo.commit(Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`f/${index}`, String(index)])))
  const good = repo.commit({ 'a.yaml': SPEC })
  for (let times = 0; times < 2; times += 1)
    assert.equal((await failureOf(mirror.fetch(good, never))).code, 'git-too-large')
  repo.git('checkout', '--quiet', '--orphan', 'small')
  repo.git('rm', '-r', '--quiet', '--force', 'f')
  const small = repo.commit({})
  repo.git('branch', '--force', 'main', small)
  assert.equal(await mirror.fetch(null, never), small)
  repo.git('branch', '--force', 'main', good)
  for (let times = 0; times < 2; times += 1)
    assert.equal((await failureOf(mirror.fetch(small, never))).code, 'git-too-large')
})

test('locks that an end at the wrong moment has left do not stop it', async (t) => {
  const { repo, mirror } = makeWorld(t)
  repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  for (const name of ['refs/qstate/tip.lock', 'refs/qstate/new.lock', 'packed-refs.lock', 'HEAD.lock'])
    writeFileSync(join(mirror.folder, name), '')
  const second = repo.commit({ 'b.yaml': SPEC })
  assert.equal(await mirror.fetch(null, never), second)
})

test('a mirror that is half made is made anew, whatever repository is around it', async (t) => {
  const { folder, repo, mirror } = makeWorld(t)
  const commit = repo.commit({ 'a.yaml': SPEC })
  const around = makeRepository(t, folder)
  around.commit({ 'other.yaml': SPEC })
  mkdirSync(mirror.folder)
  writeFileSync(join(mirror.folder, 'HEAD'), 'ref: refs/heads/master\n')
  assert.equal(await mirror.fetch(null, never), commit)
  assert.equal(around.git('for-each-ref', 'refs/qstate'), '')
})

test('a damaged mirror is made anew, and one that is whole is not when the source is away', async (t) => {
  const { repo, mirror } = makeWorld(t)
  const first = repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  for (const name of packs(mirror).filter((path) => path.endsWith('.pack'))) {
    rmSync(join(mirror.folder, 'objects/pack', name))
  }
  const second = repo.commit({ 'b.yaml': SPEC })
  assert.equal(await mirror.fetch(first, never), second)
  writeFileSync(join(mirror.folder, 'refs/qstate/tip'), '')
  assert.equal(await mirror.fetch(first, never), second)
  writeFileSync(join(mirror.folder, 'here'), '')
  rmSync(repo.folder, { recursive: true })
  assert.equal((await failureOf(mirror.fetch(first, never))).code, 'git-failed')
  assert.ok(readdirSync(mirror.folder).includes('here'))
})

test('what git cannot tell about history is a failure, and no answer', async (t) => {
  const { repo, mirror } = makeWorld(t)
  const [first, second, third] = ['a', 'b', 'c'].map((name) => repo.commit({ [`${name}.yaml`]: SPEC }))
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  await mirror.fetch(null, never)
  assert.equal(await mirror.isAncestor(first, third), true)
  assert.equal(await mirror.isAncestor(third, first), false)
  assert.equal(await mirror.isAncestor('1'.repeat(40), third), false)
  // The commit in between is gone.
  const [pack] = packs(mirror).filter((path) => path.endsWith('.pack'))
  const bytes = readFileSync(join(mirror.folder, 'objects/pack', pack ?? ''))
  rmSync(join(mirror.folder, 'objects'), { recursive: true })
  mkdirSync(join(mirror.folder, 'objects/pack'), { recursive: true })
  execFileSync('git', [`--git-dir=${mirror.folder}`, 'unpack-objects', '-q'], { input: bytes })
  rmSync(join(mirror.folder, 'objects', second.slice(0, 2), second.slice(2)))
  await assert.rejects(mirror.isAncestor(first, third), QstateError)
})

test('what fills the mirror is thrown away, and the commit in force is not', async (t) => {
  const { repo, mirror } = makeWorld(t, { maxBytes: 300_000 })
  const root = repo.commit({ 'a.yaml': SPEC })
  const inForce = repo.commit({ 'b.yaml': SPEC })
  assert.equal(await mirror.fetch(null, never), inForce)
  let wasted = ''
  for (let times = 0; times < 6; times += 1) {
    repo.git('reset', '--quiet', '--hard', root)
    const pushed = repo.commit({ 'noise.bin': randomBytes(250_000) })
    assert.equal(await mirror.fetch(inForce, never), pushed)
    if (times === 0) wasted = pushed
  }
  assert.equal(has(mirror, wasted), false)
  assert.equal(has(mirror, inForce), true)
  assert.equal(has(mirror, `${inForce}:b.yaml`), true)
})

test('a history that outgrows its bounds is told, and the old mirror stays', async (t) => {
  const { folder, repo, mirror } = makeWorld(t, { maxBytes: 300_000 })
  const inForce = repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  for (let times = 0; times < 5; times += 1) {
    repo.commit({ 'noise.bin': randomBytes(250_000) })
    await mirror.fetch(inForce, never)
  }
  repo.commit({ 'noise.bin': 'less' })
  for (let times = 0; times < 2; times += 1) {
    const { code, message, hint } = await failureOf(mirror.fetch(inForce, never))
    assert.equal(code, 'git-too-large')
    assert.match(message, /the history as a whole is more than the 0\.3 MiB/)
    assert.match(hint, /raise `maxSize`/)
  }
  assert.equal(has(mirror, inForce), true)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.old')),
    [],
  )
})

test('an end between the two names of a new mirror loses nothing', async (t) => {
  const { folder, repo, mirror } = makeWorld(t)
  const commit = repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  execFileSync('mv', [mirror.folder, join(folder, 'mirror.git.old')])
  rmSync(repo.folder, { recursive: true })
  await failureOf(mirror.fetch(commit, never))
  assert.equal(has(mirror, commit), true)
})

test('works on a host whose settings forbid bare repositories that are only found', async (t) => {
  const { folder, repo, mirror } = makeWorld(t)
  const commit = repo.commit({ 'a.yaml': SPEC })
  const settings = join(folder, 'settings')
  writeFileSync(settings, '[safe]\n\tbareRepository = explicit\n')
  const before = process.env['GIT_CONFIG_GLOBAL']
  process.env['GIT_CONFIG_GLOBAL'] = settings
  t.after(() => {
    if (before === undefined) delete process.env['GIT_CONFIG_GLOBAL']
    else process.env['GIT_CONFIG_GLOBAL'] = before
  })
  assert.equal(await mirror.fetch(null, never), commit)
  assert.equal(await mirror.isAncestor(commit, commit), true)
})

test('a source that is cut off is an error that says so, and never “unchanged”', async (t) => {
  const { folder, repo, mirror } = makeWorld(t)
  const whole = repo.commit({ 'a.yaml': SPEC })
  assert.equal(await mirror.fetch(null, never), whole)
  repo.commit({ 'b.yaml': SPEC })
  repo.commit({ 'c.yaml': SPEC })
  const shallow = join(folder, 'shallow')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${repo.folder}`, shallow])
  rmSync(repo.folder, { recursive: true })
  execFileSync('mv', [shallow, repo.folder])
  const { message, hint } = await failureOf(mirror.fetch(null, never))
  assert.match(message, /the source is a shallow repository/)
  assert.match(hint, /--unshallow/)
})

test('a tag of a tag is its commit, and a tag of no commit is an error that says so', async (t) => {
  const { repo, mirror } = makeWorld(t, { ref: { kind: 'tag', name: 'stable' } })
  const commit = repo.commit({ 'a.yaml': SPEC })
  repo.git('tag', '--annotate', '--no-sign', '-m', 'inner', 'inner')
  repo.git('tag', '--annotate', '--no-sign', '-m', 'outer', 'stable', 'inner')
  assert.equal(await mirror.fetch(null, never), commit)
  repo.git('tag', '--force', 'stable', 'HEAD^{tree}')
  const { message, hint } = await failureOf(mirror.fetch(null, never))
  assert.match(message, /the tag stable is no commit, nor a tag of one/)
  assert.match(hint, /name a branch, or a tag of a commit/)
})

test(
  'what is stopped leaves no process that goes on talking to the server',
  { timeout: 60_000 },
  async (t) => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const { mirror } = makeWorld(t, { url: `https://127.0.0.1:${port}/qubes.git` })
    const stop = new AbortController()
    const fetching = failureOf(mirror.fetch(null, stop.signal))
    const [socket] = (await once(server, 'connection')) as [Socket]
    socket.on('error', () => undefined).resume()
    const closed = once(socket, 'close')
    stop.abort()
    assert.equal((await fetching).code, 'git-aborted')
    await closed
  },
)

test('ssh asks nobody, gives up a silent server, and takes paths with spaces', async (t) => {
  const { folder, mirror } = makeWorld(t, {
    url: 'ssh://git@example.invalid/qubes.git',
    identity: '/keys of qstate/id 100%h',
    knownHosts: '/keys of qstate/known hosts',
  })
  // Stands in for ssh: what it was given, as ssh itself reads it.
  const wrapper = join(folder, 'my ssh')
  const told = join(folder, 'told')
  const options = '"$@"'
  writeFileSync(wrapper, `#!/bin/sh\nssh -G ${options} > '${told}'\nexit 1\n`, { mode: 0o755 })
  process.env['GIT_SSH'] = wrapper
  t.after(() => delete process.env['GIT_SSH'])
  await failureOf(mirror.fetch(null, never))
  const lines = readFileSync(told, 'utf8').split('\n')
  for (const line of [
    'batchmode yes',
    'serveraliveinterval 15',
    'connecttimeout 30',
    'identitiesonly yes',
    'identityfile /keys of qstate/id 100%%h',
    'userknownhostsfile /keys of qstate/known hosts',
  ])
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
})

test('a mirror whose files are damaged where git does not look is found out by reading', async (t) => {
  const { repo, mirror } = makeWorld(t)
  const commit = repo.commit({ 'a.yaml': SPEC })
  await mirror.fetch(null, never)
  const [pack] = packs(mirror).filter((path) => path.endsWith('.pack'))
  truncateSync(join(mirror.folder, 'objects/pack', pack ?? ''), 40)
  assert.equal(await mirror.rebuild(commit, never), commit)
  assert.equal(has(mirror, `${commit}:a.yaml`), true)
})

test('user and token come out of the named file alone, which is only read', (t) => {
  const folder = tempFolder(t)
  const [file, others] = [join(folder, "it's a file"), join(folder, 'others')]
  const line = 'https://user:t0ken@example.org\n'
  writeFileSync(file, line, { mode: 0o600 })
  writeFileSync(others, 'https://user:other@example.org\n')
  const repo = makeRepository(t)
  repo.git('config', 'credential.helper', `store --file=${others}`)
  repo.git('config', 'credential.https://example.org.helper', `store --file=${others}`)
  const ask = (verb: string, input: string): string =>
    execFileSync(
      'git',
      [
        '-C',
        repo.folder,
        ...credentialConfig(file).flatMap((setting) => ['-c', setting]),
        'credential',
        verb,
      ],
      {
        input,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_TERMINAL_PROMPT: '0' },
      },
    )
  const where = 'protocol=https\nhost=example.org\n'
  assert.match(ask('fill', where), /^password=t0ken$/m)
  ask('reject', `${where}username=user\npassword=t0ken\n`)
  ask('approve', `${where}username=user\npassword=new\n`)
  assert.equal(readFileSync(file, 'utf8'), line)
})

test('a fetch into a clone asks the helpers of the user, and none of the clone', (t) => {
  const folder = tempFolder(t)
  const [own, planted] = [join(folder, 'own'), join(folder, 'planted')]
  writeFileSync(own, 'https://user:own@example.org\nhttps://user:scoped@example.net\n')
  writeFileSync(planted, 'https://user:planted@example.org\nhttps://user:planted@example.com\n')
  const settings = join(folder, 'settings')
  writeFileSync(
    settings,
    `[credential]\n\thelper = store --file=${own}\n[credential "https://example.net"]\n\tusername = user\n`,
  )
  const repo = makeRepository(t)
  repo.git('config', 'credential.helper', `store --file=${planted}`)
  repo.git('config', 'credential.https://example.com.helper', `store --file=${planted}`)
  process.env['GIT_CONFIG_GLOBAL'] = settings
  t.after(() => delete process.env['GIT_CONFIG_GLOBAL'])
  const config = ownCredentials(repo.gitDir)
  const ask = (host: string): string | null => {
    const { status, stdout } = spawnSync(
      'git',
      ['-C', repo.folder, ...config.flatMap((setting) => ['-c', setting]), 'credential', 'fill'],
      {
        input: `protocol=https\nhost=${host}\n`,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: settings, GIT_TERMINAL_PROMPT: '0' },
      },
    )
    return status === 0 ? (/^password=(.*)$/m.exec(stdout)?.[1] ?? null) : null
  }
  assert.deepEqual(['example.org', 'example.net', 'example.com'].map(ask), ['own', 'scoped', null])
})

for (const [what, mode, why] of [
  ['that others may read', 0o640, /others may read it/],
  ['that is not there', null, /no such file/],
] as const)
  test(`nothing is fetched with credentials ${what}`, async (t) => {
    const file = join(tempFolder(t), 'credentials')
    if (mode !== null) writeFileSync(file, 'https://user:t0ken@example.org\n', { mode })
    const { repo, mirror } = makeWorld(t, { credentials: file })
    repo.commit({ 'a.yaml': SPEC })
    const { code, message } = await failureOf(mirror.fetch(null, never))
    assert.equal(code, 'bad-credentials')
    assert.match(message, why)
  })
