// Makes a checkout ready to run: installs the locked dependencies where they are missing or stale, compiles, and bundles.
// `npm start` and `npm test` call it first, so nothing else is ever needed. Plain Node: it runs before any dependency is there.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`qstate needs Node 20.19 or later; this is ${process.versions.node}`)
  process.exit(1)
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

const installed = join(root, 'node_modules', '.package-lock.json')
const stale = () => statSync(join(root, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs
const complete = () => {
  const { devDependencies = {}, dependencies = {} } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  return Object.keys({ ...devDependencies, ...dependencies }).every((name) =>
    existsSync(join(root, 'node_modules', name)),
  )
}
if (!existsSync(installed) || stale() || !complete()) {
  console.error('installing dependencies …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

console.error('compiling …')
// Imported late: what it imports may have been missing until now.
const { generateValidators } = await import('./generate-validator.mjs')
await generateValidators(root)
run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', root])
const { bundle } = await import('./bundle.mjs')
await bundle(root)
