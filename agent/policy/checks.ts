import { execFile } from 'node:child_process'
import { join } from 'node:path'

const CHECK_MS = 60_000
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

/**
 * Runs a check that the host's owner put into a folder of its own. What is asked for is a name in that folder and nothing else, so
 * that no order can have anything run that is not there.
 */
export function runCheck(
  folder: string,
  name: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<'passed' | 'failed'> {
  if (!NAME.test(name)) return Promise.resolve('failed')
  return new Promise((resolve) => {
    const all = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }
    // One that pays no heed to being asked is ended.
    const options = { signal, timeout: CHECK_MS, killSignal: 'SIGKILL' as const, env: all }
    execFile(join(folder, name), [], options, (error) => {
      resolve(error === null ? 'passed' : 'failed')
    })
  })
}
