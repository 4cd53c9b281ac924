import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { decodeReply, type Reply } from '../../../qubesd/codec.ts'
import { ROOT } from '../../cli/run-cli.ts'
import { type Scope } from '../../support/temp.ts'
import { python } from './python.ts'
import { SERVICE_FILE } from './stand-in.ts'

const DRIVER = join(ROOT, 'test/system/management/driver.py')

/** Asks the service of dom0 in one process for many calls. */
export function serviceProcess(scope: Scope): (args: readonly string[], payload?: string) => Promise<Reply> {
  const child: ChildProcess = spawn(python(), ['-IB', DRIVER, 'serve', SERVICE_FILE], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('a process with pipes has them')
  const lines = createInterface({ input: stdout })
  scope.after(async () => {
    stdin.end()
    await once(child, 'close')
  })
  return async (args, payload = '') => {
    const answer = once(lines, 'line') as Promise<[string]>
    stdin.write(`${JSON.stringify({ args, payload: Buffer.from(payload, 'latin1').toString('base64') })}\n`)
    return decodeReply(Buffer.from((await answer)[0], 'base64'))
  }
}

/** Hostile calls, all from one seed. The last line says what went wrong, or counts the answers. */
export async function fuzzService(
  root: string,
  seed: number,
  count: number,
): Promise<{ code: number; said: string }> {
  const args = ['-IB', DRIVER, 'fuzz', SERVICE_FILE, root, String(seed), String(count)]
  const child = spawn(python(), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  const [code] = (await once(child, 'close')) as [number]
  return { code, said }
}
