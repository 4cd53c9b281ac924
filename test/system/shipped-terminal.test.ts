import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { PTY } from './pty.ts'
import { ROOT, run, startSimulatorOf, temporaryFolder } from '../bundle/run.ts'

test('what is shipped asks on a terminal, and does as it is told', async (t) => {
  const folder = temporaryFolder(t)
  const program = join(ROOT, 'bin/qstate')
  const socket = await startSimulatorOf(t, folder, [program])
  const spec = join(ROOT, 'examples/windows-10.yaml')
  const options = ['--no-color', '--socket', socket, '--state-dir', join(folder, 'state')]
  const answered = (answer: string): ReturnType<typeof run> =>
    run(folder, 'python3', ['-c', PTY, answer, program, ...options, 'apply', spec])
  const no = answered('n')
  assert.match(no.stdout, /Apply this\? \[y\/N\][^]*Nothing was changed\./)
  assert.equal(no.status, 1)
  const yes = answered('y')
  assert.match(yes.stdout, /Done: 1 applied; 9 writes\./)
  assert.equal(yes.status, 0)
})
