import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'

/** The root of the checkout. */
export const ROOT = process.cwd()

export function temporaryFolder(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'qstate-bundle-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Runs a program with a home of its own and nothing of this process's environment. */
export function run(
  home: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): SpawnSyncReturns<string> {
  mkdirSync(join(home, '.cache'), { recursive: true })
  return spawnSync(program, args, {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, ...env },
  })
}

/** Starts `qstate simulator` from a program, and tells where it listens. */
export async function startSimulatorOf(
  t: TestContext,
  folder: string,
  program: readonly [string, ...string[]],
): Promise<string> {
  const socket = join(folder, 'qubesd.sock')
  const [command, ...args] = program
  const child = spawn(command, [...args, 'simulator', '--socket', socket], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], HOME: folder },
  })
  t.after(() => child.kill())
  for (let tries = 0; !existsSync(`${socket}.dom0`); tries += 1) {
    if (tries > 400 || child.exitCode !== null) throw new Error('the simulator did not start')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return socket
}

/** What a program printed, or an Error with what it complained of. */
export function outputOf(result: SpawnSyncReturns<string>): string {
  if (result.error !== undefined) throw result.error
  if (result.status === 0) return result.stdout
  throw new Error(`ended with ${result.status}: ${result.stdout}${result.stderr}`)
}
