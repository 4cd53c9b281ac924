// `npm start`: the main job on a simulated dom0, as a person would do it: validate, plan, apply, plan again.
// Everything happens in a temporary folder; this machine is not touched.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const qstate = join(root, 'bin', 'qstate')
const folder = mkdtempSync(join(tmpdir(), 'qstate-demo-'))
const socket = join(folder, 'qubesd.sock')
const env = { ...process.env, QSTATE_SOCKET: socket, QSTATE_STATE_DIR: join(folder, 'state') }
const spec = 'examples/windows-10.yaml'

console.log('qstate on a simulated dom0. Nothing on this machine is changed.')
const simulator = spawn(qstate, ['simulator', '--socket', socket], { cwd: root, stdio: 'ignore' })
let failed = false
try {
  for (let tries = 0; !existsSync(socket) && tries < 200; tries += 1)
    await new Promise((done) => setTimeout(done, 25))
  run('validate', spec)
  run('plan', spec)
  run('apply', '--yes', spec)
  run('plan', spec)
  run('show', 'win10-work')
  if (!failed) {
    console.log('\nThe second plan has nothing to do: the host is as the file says.')
    console.log('To go on by hand, in two terminals:')
    console.log('  bin/qstate simulator --socket /tmp/qubesd.sock')
    console.log('  bin/qstate --socket /tmp/qubesd.sock plan examples/windows-10.yaml')
  }
} finally {
  simulator.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

function run(...args) {
  if (failed) return
  console.log(`\n$ qstate ${args.join(' ')}`)
  const result = spawnSync(qstate, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  failed = result.status !== 0
}
