import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_MEMORY } from '../../agent/state/memory.ts'
import { openStore } from '../../agent/state/store.ts'
import { look, makeWorld, signers, SPEC } from '../agent/source-world.ts'
import { type Host, type Result, simulatedHost } from '../cli/run-cli.ts'
import { type Memory } from '../../documents/agent/index.ts'
import { type TestContext } from 'node:test'

/** What an agent refuses says who and why, and a person is told what would help. */

const COMMIT = 'ab'.repeat(20)

/** A host whose agent has refused a commit for this reason, and `agent accept` of that commit. */
async function acceptAfter(
  t: TestContext,
  refused: NonNullable<Memory['refused']>,
  ...more: string[]
): Promise<{ host: Host; result: Result; accepted: string | null }> {
  const host = await simulatedHost(t)
  assert.equal((await host.qstate('history')).code, 0)
  const hosts = join(host.folder, 'state', 'hosts')
  const file = host.write('a.yaml', 'apiVersion: qstate/v1\nqubes: { win10-work: { qube: { vcpus: 3 } } }\n')
  assert.equal((await host.qstate('apply', '--yes', file)).code, 0)
  const [place = ''] = readdirSync(hosts)
  const store = openStore(join(hosts, place, 'agent'))
  await store.save({ ...NO_MEMORY, updatedAt: '2026-11-24T12:00:00Z', refused })
  const result = await host.qstate(...more, 'agent', 'accept', COMMIT.slice(0, 12))
  return { host, result, accepted: (await store.orders()).accepted }
}

const REFUSED = { commit: COMMIT, since: '2026-11-24T12:00:00Z' } as const
const UNSIGNED = {
  ...REFUSED,
  code: 'bad-signature',
  message: 'abababababab: it is not signed',
  hint: 'sign it; rewrite the branch; `commits: tip`',
} as const

test('agent accept of a commit that is refused for its signature says why not, with the ways out, and orders nothing', async (t) => {
  const { result, accepted } = await acceptAfter(t, UNSIGNED)
  assert.notEqual(result.code, 0)
  assert.equal(result.out, '')
  assert.match(result.err.replace(/\s+/g, ' '), /would change nothing.*it is not signed.*rewrite the branch/)
  assert.equal(accepted, null)
  const json = await acceptAfter(t, UNSIGNED, '--json')
  const { error } = JSON.parse(json.result.out) as { error: { code: string; hint: string } }
  assert.equal(error.code, 'bad-signature')
  assert.equal(error.hint, UNSIGNED.hint)
})

test('agent accept of a commit that does not come after the active one is taken as before', async (t) => {
  const { result, accepted } = await acceptAfter(t, {
    ...REFUSED,
    ...{ code: 'rewound', message: 'it does not come after', hint: 'accept it' },
  })
  assert.equal(result.code, 0, result.err)
  assert.equal(accepted, COMMIT.slice(0, 12))
})

test('a refused signature names the key that made it, so that it can be found or allowed', async (t) => {
  const { folder, repo, source } = makeWorld(t)
  const { trust, eve } = signers(t, folder)
  const fingerprint = /SHA256:\S+/.exec(
    execFileSync('ssh-keygen', ['-l', '-f', eve], { encoding: 'utf8' }),
  )?.[0]
  repo.commit({ 'a.yaml': SPEC }, { sshKey: eve })
  const news = await look(source({ trust }), null)
  assert.ok(news.kind === 'refused')
  assert.ok(
    fingerprint !== undefined && news.problem.message.includes(`(${fingerprint})`),
    news.problem.message,
  )
})

test('what status quotes for pasting stays as it is: quotation marks, and a line of its own', async (t) => {
  const { host } = await acceptAfter(t, {
    ...REFUSED,
    ...{ code: 'invalid-spec', message: 'one error\na.yaml:2:1: error: “x”', hint: 'write “y”' },
  })
  const { out } = await host.qstate('status')
  assert.match(out, /error: “x”/)
  assert.match(out, /write “y”/)
  assert.doesNotMatch(out, /\\u/)
})
