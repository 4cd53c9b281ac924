import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hasCode } from '../../spec/diagnostics/index.ts'
import { openClone } from '../../git/mirror.ts'
import { simulatedHost } from '../cli/run-cli.ts'
import { ROOT } from '../support/host.ts'
import { makeRepository, makeSshKey, type Repository } from '../support/repository.ts'
import { startQstate } from '../support/process.ts'
import { loseObject, plant, plantedEnvironment, type Traces, tracesIn } from './planted.ts'

/** A repository runs nothing, in any command: somebody else may have packed it, with settings of its own, or proposes it for review. */

const HEAD = 'apiVersion: qstate/v1\n'
const spec = (memory: number): string => `${HEAD}qubes:\n  win10-work: { qube: { memory: ${memory} } }\n`
const fleet = (socket: string): string => `${HEAD}kind: Fleet
name: home
spec: [spec.yaml]
hosts: { desk: { reach: { socket: "${socket}" } } }
---
${HEAD}kind: Rollout
name: everyone
revision: main
waves: [{}]
`

interface World {
  readonly folder: string
  readonly repo: Repository
  readonly traces: Traces
  readonly env: Readonly<Record<string, string>>
  readonly qstate: (...argv: readonly string[]) => Promise<{ readonly code: number; readonly text: string }>
}

async function makeWorld(t: TestContext): Promise<World> {
  const { folder, socket } = await simulatedHost(t)
  const repo = makeRepository(t, join(folder, 'repo'))
  const key = makeSshKey(t)
  const signers = join(folder, 'signers')
  writeFileSync(signers, `a@example.org ${key.public}\n`)
  const signed = { sshKey: key.path }
  repo.commit({ 'spec.yaml': spec(5000), 'fleet.yaml': fleet(socket) }, signed)
  repo.commit({ 'spec.yaml': spec(5500) }, signed)
  repo.git('checkout', '--quiet', '-b', 'lost')
  repo.commit({ 'spec.yaml': spec(6000) }, signed)
  repo.git('checkout', '--quiet', 'main')
  loseObject(repo, 'lost:spec.yaml')
  const traces = tracesIn(folder)
  plant(repo, traces)
  // Known to have changed, so that git has to look at what it comes to.
  utimesSync(join(repo.folder, 'spec.yaml'), 1, 1)
  const env = {
    ...plantedEnvironment(folder, traces),
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    NO_COLOR: '1',
    QSTATE_SOCKET: socket,
    QSTATE_STATE_DIR: join(folder, 'state'),
    QSTATE_ALLOWED_SIGNERS: signers,
  }
  const qstate: World['qstate'] = (...argv) =>
    new Promise((resolve) => {
      const options = { cwd: repo.folder, env }
      const child = execFile(
        process.execPath,
        [join(ROOT, 'bin/qstate'), ...argv],
        options,
        (_, out, err) => {
          resolve({ code: child.exitCode ?? -1, text: out + err })
        },
      )
    })
  return { folder, repo, traces, env, qstate }
}

test('what is planted does run where git itself is used', async (t) => {
  const { repo, traces, env } = await makeWorld(t)
  const git = (...args: readonly string[]): void => {
    const { PATH = '', HOME = '' } = env
    spawnSync('git', args, { cwd: repo.folder, env: { PATH, HOME }, timeout: 20_000 })
  }
  git('status')
  git('-c', 'protocol.ext.allow=always', 'cat-file', '-p', 'lost:spec.yaml')
  git('log', '-1', '--format=%G?')
  const left = traces.left().join(' ')
  for (const name of [/fsmonitor/, /filter/, /remote\.url/, /gpg/]) assert.match(left, name)
})

/** Every command that takes a folder, a repository or a fleet, and with what it ends. */
const COMMANDS: readonly (readonly [number, ...string[]])[] = [
  [0, 'validate', 'spec.yaml'],
  [0, 'validate', '--from-git', 'HEAD', 'spec.yaml'],
  [65, 'validate', '--from-git', 'lost', 'spec.yaml'],
  [0, 'validate', 'fleet.yaml'],
  [0, 'validate', '--from-git', 'HEAD', 'fleet.yaml'],
  [0, 'plan', 'spec.yaml'],
  [0, 'plan', '-o', 'plan.json', 'spec.yaml'],
  [0, 'plan', '--from-git', 'HEAD', 'spec.yaml'],
  [65, 'plan', '--from-git', 'lost', 'spec.yaml'],
  [0, 'plan', '--diff', 'HEAD~1..HEAD', 'spec.yaml'],
  [0, 'plan', '--diff', 'HEAD~1...HEAD', 'spec.yaml'],
  [65, 'plan', '--diff', 'lost..HEAD', 'spec.yaml'],
  [0, 'status', 'spec.yaml'],
  [0, 'drift', 'spec.yaml'],
  [0, 'policy', '--qube', 'mgmt', 'spec.yaml'],
  [0, 'doctor', 'spec.yaml'],
  [0, 'record', '-o', 'recorded.json'],
  [0, 'plan', '--host-state', 'recorded.json', 'spec.yaml'],
  [0, 'import', '-o', 'imported.yaml', '--force', 'win10-work'],
  [0, 'apply', '--yes', 'spec.yaml'],
  [0, 'history'],
  [0, 'rollback', '--yes'],
  [64, 'init', '--host', 'laptop', '.'],
  [0, 'init', '--host', 'laptop', 'below'],
  [0, 'rollout', 'plan', '--fleet', 'fleet.yaml'],
  [0, 'fleet', 'status', '--fleet', 'fleet.yaml'],
  [0, 'rollout', 'start', '--fleet', 'fleet.yaml'],
  [0, 'rollout', 'status', '--fleet', 'fleet.yaml'],
]

test('a repository runs nothing, whatever is planted in it, in any command', async (t) => {
  const { traces, qstate } = await makeWorld(t)
  for (const [expected, ...argv] of COMMANDS) {
    const { code, text } = await qstate(...argv)
    assert.deepEqual(traces.left(), [], argv.join(' '))
    assert.equal(code, expected, `${argv.join(' ')}\n${text}`)
  }
})

test('an agent whose source is such a repository runs nothing of it', async (t) => {
  const { folder, repo, traces, env } = await makeWorld(t)
  const file = join(folder, 'agent.yaml')
  const verify = `verify: { by: ssh, allowedSigners: "${env['QSTATE_ALLOWED_SIGNERS'] ?? ''}", commits: tip }`
  writeFileSync(
    file,
    `${HEAD}kind: Agent\nsource: { url: "${repo.folder}", paths: [spec.yaml] }\n${verify}\n`,
  )
  const agent = startQstate(['agent', '--file', file], env)
  await agent.said('a commit is in force')
  agent.child.kill('SIGTERM')
  const { err } = await agent.ended
  assert.deepEqual(traces.left(), [], err)
})

test('a clone is fetched into with nothing of its own settings but where its origin is', async (t) => {
  const { folder, repo, traces } = await makeWorld(t)
  const clone = openClone(repo.gitDir)
  const { signal } = new AbortController()
  const config = readFileSync(join(repo.gitDir, 'config'), 'utf8')
  const from = (url: string): void => {
    writeFileSync(join(repo.gitDir, 'config'), config.replace(/url = ext.*\n/, `url = ${url}\n`))
  }
  await assert.rejects(clone.fetch(null, signal), (error: unknown) => hasCode(error, 'git-failed'))
  assert.deepEqual(traces.left(), [], 'ext')
  const origin = makeRepository(t, join(folder, 'origin'))
  const commit = origin.commit({ 'spec.yaml': spec(7000) })
  from(origin.folder)
  await clone.fetch(null, signal)
  assert.equal(await clone.has(commit), true)
  for (const url of ['ssh://127.0.0.1:1/r', 'https://127.0.0.1:1/r']) {
    from(url)
    await assert.rejects(clone.fetch(null, signal), (error: unknown) => hasCode(error, 'git-failed'))
  }
  assert.deepEqual(traces.left(), [])
})
