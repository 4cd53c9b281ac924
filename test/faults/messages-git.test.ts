import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openMirror } from '../../git/mirror.ts'
import { type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { makeRepository } from '../support/repository.ts'
import { tempFolder } from '../support/temp.ts'
import { runCli } from '../cli/run-cli.ts'

/** Of all that git says, the line that tells comes first, and the hint says what to do about it. */

const never = new AbortController().signal

/** How a fetch fails from this URL, where ssh says these words and gives up. */
async function fetchFails(t: TestContext, url: string, branch = 'main', words = ''): Promise<Problem> {
  const folder = tempFolder(t)
  const ssh = join(folder, 'ssh')
  writeFileSync(join(folder, 'words'), words)
  writeFileSync(ssh, `#!/bin/sh\ncat '${folder}/words' >&2\nexit 255\n`)
  chmodSync(ssh, 0o755)
  const before = process.env['GIT_SSH_COMMAND']
  process.env['GIT_SSH_COMMAND'] = ssh
  try {
    const mirror = openMirror(join(folder, 'mirror.git'), {
      url,
      ref: { kind: 'branch', name: branch },
      maxBytes: 2 ** 26,
      ...{ identity: null, knownHosts: null, credentials: null },
    })
    await mirror.fetch(null, never)
  } catch (error) {
    assert.ok(error instanceof QstateError, String(error))
    return error.problem
  } finally {
    if (before === undefined) delete process.env['GIT_SSH_COMMAND']
    else process.env['GIT_SSH_COMMAND'] = before
  }
  return assert.fail('it was fetched')
}

const FRAME = '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@'
const CHANGED = `${FRAME}
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
${FRAME}
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Offending ED25519 key in /etc/qstate/known_hosts:1
Host key for git.example.org has changed and you have requested strict checking.
Host key verification failed.
`

const SSH: readonly (readonly [string, RegExp, RegExp])[] = [
  [CHANGED, /^git fetch: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!/, /known_hosts/],
  [
    'No ED25519 host key is known for git.example.org and you have requested strict checking.\nHost key verification failed.\n',
    /^git fetch: No ED25519 host key is known/,
    /known_hosts/,
  ],
  ['git@git.example.org: Permission denied (publickey).\n', /^git fetch: .*Permission denied/, /`identity`/],
  [
    'ssh: Could not resolve hostname git.example.org: Name or service not known\n',
    /^git fetch: ssh: Could not resolve hostname/,
    /name of the server/,
  ],
  [
    'ssh: connect to host git.example.org port 22: Connection refused\n',
    /^git fetch: .*Connection refused/,
    /reaches it/,
  ],
  [
    'remote: ERROR: Repository not found.\nERROR: Repository not found.\n',
    /^git fetch: ERROR: Repository not found/,
    /correct the URL/,
  ],
]

for (const [words, message, hint] of SSH)
  test(`ssh says “${words.split('\n').find((line) => /[a-z]/.test(line)) ?? 'HAS CHANGED'}”: that line comes first`, async (t) => {
    const told = await fetchFails(t, 'ssh://git@git.example.org/qubes.git', 'main', words)
    assert.match(told.message, message)
    assert.match(told.hint, hint)
    assert.doesNotMatch(told.message, /correct access rights|Could not read from remote/)
  })

test('a URL without a repository, and a branch that it lacks, are named with the key to correct', async (t) => {
  const nowhere = await fetchFails(t, `file://${tempFolder(t)}`)
  assert.match(nowhere.message, /^git fetch: fatal: .*does not appear to be a git repository/)
  assert.match(nowhere.hint, /`url` of `source`/)
  const branch = await fetchFails(t, `file://${makeRepository(t).folder}`, 'mian')
  assert.match(branch.message, /couldn't find remote ref/)
  assert.match(branch.hint, /`branch` or `tag`/)
})

test('outside a repository --from-git says where to run it', async (t) => {
  const { code, err } = await runCli(['plan', '--from-git', 'HEAD'], { cwd: tempFolder(t) })
  assert.notEqual(code, 0)
  assert.match(err, /not a git repository[^]*run this in a git repository/)
})

test('what a server says itself decides no hint', async (t) => {
  const told = await fetchFails(
    t,
    'ssh://git@git.example.org/q.git',
    'main',
    'remote: Host key verification failed.\n',
  )
  assert.doesNotMatch(told.hint, /known_hosts/)
})
