// Runs the compiled tests: those that need no more of the system than git and a nats-server, or with --system those in
// test/system/, which need more of it or long. Further words choose files by their path. QSTATE_SEED repeats a run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { obtainNatsServer } from './nats-server.mjs'
import { missingTools } from './test-tools.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const isSystem = process.argv.includes('--system')
const words = process.argv.slice(2).filter((word) => word !== '--system')

/** Tests of which `npm test` takes a sample; the suite of the system runs every case. */
const SAMPLED = ['fleet/simulation', 'promises/failures', 'promises/kill'].map((name) => `${name}.test.ts`)

// Files are named here, since Node 20 and Node 22 read patterns and folders differently; and after their sources, since the
// compiled form of one that was moved or removed may still lie there.
const isMeant = (file) => words.length === 0 || words.some((word) => file.includes(word))
const all = readdirSync(join(root, 'test'), { recursive: true })
  .filter((file) => file.endsWith('.test.ts') && isMeant(file))
  .sort()
const compiled = (files) => files.map((file) => join(root, 'dist', 'test', file.replace(/ts$/, 'js')))
const inSystem = (file) => file.startsWith('system/')

const runs = isSystem
  ? [
      { files: all.filter(inSystem), env: {} },
      { files: SAMPLED.filter(isMeant), env: { QSTATE_LONG: '1' } },
    ]
  : [{ files: all.filter((file) => !inSystem(file)), env: {} }]
if (runs.every(({ files }) => files.length === 0)) {
  console.error(`no test file matches ${words.join(' ')}`)
  process.exit(1)
}

const missing = missingTools(isSystem)
for (const { program, package: name } of missing)
  console.error(`${program} is missing: the tests that need it will fail. Install Debian's package ${name}.`)
obtainNatsServer(root)

// Ctrl-C ends the tests; what they leave is removed all the same.
process.on('SIGINT', () => undefined)

const seed = process.env.QSTATE_SEED ?? String(Math.floor(Math.random() * 0x7fff_ffff))
const folder = temporaryFolder()
// One more than there are cores: some only wait for servers and leases.
const CONCURRENCY = availableParallelism() + 1
const REPORTERS = ['spec', join(root, 'scripts', 'slowest-files.mjs')]
const statuses = runs
  .filter(({ files }) => files.length > 0)
  .map(({ files, env }) => {
    const reporters = REPORTERS.flatMap((one) => [
      `--test-reporter=${one}`,
      '--test-reporter-destination=stdout',
    ])
    const args = ['--test', `--test-concurrency=${CONCURRENCY}`, ...reporters]
    return spawnSync(process.execPath, [...args, ...compiled(files)], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env, QSTATE_SEED: seed, TMPDIR: folder },
    }).status
  })
rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
console.log(`\nQSTATE_SEED=${seed} repeats what was random.`)
for (const { program, package: name } of missing) console.error(`${program} is missing: install ${name}.`)
process.exit(statuses.every((status) => status === 0) ? 0 : 1)

/**
 * A folder for all that the tests write. In memory where there is room and programs may be started: they make and remove
 * thousands of small files, and flush them.
 */
function temporaryFolder() {
  for (const place of ['/dev/shm', tmpdir()]) {
    try {
      const { bavail, bsize } = statfsSync(place)
      if (place === '/dev/shm' && bavail * bsize < 2 ** 31) continue
      const made = mkdtempSync(join(place, 'q'))
      const program = join(made, 'probe')
      writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
      if (spawnSync(program).status === 0) return made
      rmSync(made, { recursive: true })
    } catch {
      // The next place.
    }
  }
  throw new Error(`no programs can be started in ${tmpdir()}: set TMPDIR to a folder where they can`)
}
