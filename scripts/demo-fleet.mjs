// `npm run fleet`: a rollout over four simulated machines, as a person would do it: what would change, a canary, a wave; then a
// commit that cannot be applied, caught at the canary and taken back. Everything happens in a temporary folder.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const qstate = join(root, 'bin', 'qstate')
const folder = mkdtempSync(join(tmpdir(), 'qstate-fleet-'))
const env = { ...process.env, QSTATE_STATE_DIR: join(folder, 'state') }

console.log('A fleet of four simulated machines. Nothing on this machine is changed.')
cpSync(join(root, 'examples/fleet'), join(folder, 'home'), { recursive: true })
const home = join(folder, 'home')
const machines = ['desk', 'attic', 'laptop', 'netbook'].map((name) => join(home, `${name}.sock`))
const simulators = machines.map((socket) =>
  spawn(qstate, ['simulator', '--socket', socket], { stdio: 'ignore' }),
)
let failed = false
try {
  git('init', '--quiet', '-b', 'main')
  commit('what every machine is to have')
  for (let tries = 0; !machines.every((socket) => existsSync(socket)) && tries < 400; tries += 1)
    await new Promise((done) => setTimeout(done, 25))
  run(0, 'rollout', 'plan')
  run(0, 'rollout', 'start')
  run(0, 'fleet', 'status')
  const spec = join(home, 'windows.yaml')
  const audio = 'audio: { model: ich6, audiovm: no-such-qube }'
  writeFileSync(spec, readFileSync(spec, 'utf8').replace('audio: ich6', audio))
  commit('sound from a qube that is nowhere')
  if (!failed) console.log('\nNow a commit that cannot be applied.')
  run(1, 'rollout', 'start')
  run(0, 'rollout', 'history')
  if (!failed) {
    console.log('\nThe canary failed, got back what it had, and nobody else was touched.')
    console.log('The files are in examples/fleet/; docs/fleet.md says what they can say.')
  }
} finally {
  for (const simulator of simulators) simulator.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

function run(expected, ...args) {
  if (failed) return
  console.log(`\n$ qstate ${args.join(' ')}`)
  const about = ['--fleet', 'fleet.yaml']
  const result = spawnSync(qstate, [...args, ...about], {
    cwd: home,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  failed = result.status !== expected
  if (failed)
    console.error(
      `\nThis should have ended with ${expected}, and ended with ${result.status}: the demo stops here.`,
    )
}

function git(...args) {
  const who = ['-c', 'user.name=you', '-c', 'user.email=you@example.org', '-c', 'commit.gpgsign=false']
  const result = spawnSync('git', ['-C', home, ...who, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (result.status !== 0) throw new Error(`git ${args[0]} failed`)
}

function commit(message) {
  git('add', '--all', '--', '*.yaml')
  git('commit', '--quiet', '--message', message)
}
