import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, run, startSimulatorOf, temporaryFolder } from './run.ts'

/** Runs a program on a terminal, answers the first question, and prints what was on the screen. */
const ON_A_TERMINAL = `
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
screen, asked = b'', False
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    screen += data
    if b'[y/N]' in screen and not asked:
        asked = True
        os.write(terminal, answer.encode() + b'\\n')
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(status))
`

test('what is shipped asks on a terminal, and does as it is told', async (t) => {
  const folder = temporaryFolder(t)
  const program = join(ROOT, 'bin/qstate')
  const socket = await startSimulatorOf(t, folder, [program])
  const spec = join(ROOT, 'examples/windows-10.yaml')
  const options = ['--no-color', '--socket', socket, '--state-dir', join(folder, 'state')]
  const answered = (answer: string): ReturnType<typeof run> =>
    run(folder, 'python3', ['-c', ON_A_TERMINAL, answer, program, ...options, 'apply', spec])
  const no = answered('n')
  assert.match(no.stdout, /Apply this\? \[y\/N\][^]*Nothing was changed\./)
  assert.equal(no.status, 1)
  const yes = answered('y')
  assert.match(yes.stdout, /Done: 1 applied; 9 writes\./)
  assert.equal(yes.status, 0)
})
