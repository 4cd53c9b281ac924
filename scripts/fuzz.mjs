// The long run of test/fuzz: 100,000 mutated specs, daemon answers (for each release) and event streams, or as many as
// QSTATE_FUZZ says. `npm test` has a short one.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const run = (args, env = {}) =>
  spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })

const setup = run([join(root, 'scripts', 'setup.mjs')])
if (setup.status !== 0) process.exit(setup.status ?? 1)
const fuzz = join(root, 'dist', 'test', 'fuzz', 'fuzz.test.js')
const QSTATE_FUZZ = process.env.QSTATE_FUZZ ?? '100000'
process.exit(run(['--test', '--test-reporter=spec', fuzz], { QSTATE_FUZZ }).status ?? 1)
