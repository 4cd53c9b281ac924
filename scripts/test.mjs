// Runs the compiled tests. Files are named here, since Node 20 and Node 22 read patterns and folders differently.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { obtainNatsServer } from './nats-server.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tests = join(root, 'dist', 'test')
const wanted = process.argv.slice(2)
const files = readdirSync(tests, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .map((file) => join(tests, file))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
obtainNatsServer(root)
const result = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
})
process.exit(result.status ?? 1)
