import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Host, ROOT, simulatedHost } from '../cli/run-cli.ts'
import { PTY } from './pty.ts'

/** Not spawnSync: the simulator answers from this process. */
function onTerminal(
  host: Host,
  answer: string,
  ...argv: string[]
): Promise<{ code: number | null; out: string }> {
  const env = {
    ...process.env,
    QSTATE_SOCKET: host.socket,
    QSTATE_STATE_DIR: `${host.folder}/state`,
    NO_COLOR: '1',
  }
  const child = spawn('python3', ['-c', PTY, answer, process.execPath, join(ROOT, 'bin/qstate'), ...argv], {
    env,
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  return new Promise((resolve) =>
    child.once('close', (code) => {
      resolve({ code, out })
    }),
  )
}

const ANSWERS = [
  { answer: 'y', code: 0, writes: 9, reason: 'y is yes' },
  { answer: 'yes', code: 0, writes: 9, reason: 'yes is yes' },
  { answer: '', code: 1, writes: 0, reason: 'the default is no' },
  { answer: 'n', code: 1, writes: 0, reason: 'n is no' },
  { answer: 'EOF', code: 1, writes: 0, reason: 'the end of input is no' },
  { answer: 'SIGINT', code: 130, writes: 0, reason: 'Ctrl-C at the question ends it' },
  { answer: 'SIGTERM', code: 143, writes: 0, reason: 'so does SIGTERM' },
]

for (const { answer, code, writes, reason } of ANSWERS) {
  test(`on a real terminal, ${reason}`, async (t) => {
    const host = await simulatedHost(t)
    const result = await onTerminal(host, answer, 'apply', 'examples/windows-10.yaml')
    assert.equal(result.code, code, result.out)
    assert.equal(host.simulator.writes(), writes)
  })
}

test('on a real terminal, a restart that is asked for is given when the answer is yes', async (t) => {
  const host = await simulatedHost(t)
  const { code, out } = await onTerminal(
    host,
    'y',
    'apply',
    '--yes',
    '--restart',
    'ask',
    'examples/windows-10.yaml',
  )
  assert.equal(code, 0, out)
  assert.match(out, /win10-work {2}restarted/)
})
