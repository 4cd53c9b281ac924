import { execFile } from 'node:child_process'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'

/** The command that takes a generation back, with absolute paths: it runs without the folder and environment of this process. */
export type RevertCommand = (generation: number) => readonly string[]

const RUN_MS = 30_000

/**
 * Has systemd run a command after some seconds, and again until it succeeds. A system unit outlives the login, terminal and
 * process group that started it; a user unit or a forked child does not. Fails with QstateError.
 */
export async function startTimer(unit: string, seconds: number, command: readonly string[]): Promise<void> {
  const [failure, said] = await run('systemd-run', [
    '--quiet',
    '--collect',
    '--no-ask-password',
    `--unit=${unit}`,
    '--description=Takes back an apply of qstate that was not confirmed',
    `--on-active=${seconds}s`,
    '--timer-property=AccuracySec=1s',
    // What qstate keeps here is believed only where it belongs to who reads it.
    ...(process.geteuid === undefined ? [] : [`--uid=${process.geteuid()}`]),
    '--property=Restart=on-failure',
    '--property=RestartSec=30s',
    '--',
    // systemd puts variables into what it runs.
    ...command.map((word) => word.replaceAll('$', '$$$$')),
  ])
  if (failure === null) return
  const why = said === '' ? failure.message : said.replaceAll('\n', ' ')
  const message = `no system timer could be started that takes the apply back, so that nothing was written: ${why}`
  const hint = 'systemd has to run here, and let this user start system units: try with `sudo`'
  throw new QstateError(problem('not-armed', message, hint))
}

/** One that cannot be stopped finds nothing to take back. */
export async function stopTimer(unit: string): Promise<void> {
  await run('systemctl', ['--quiet', '--no-ask-password', 'stop', `${unit}.timer`])
}

function run(program: string, args: readonly string[]): Promise<readonly [Error | null, string]> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: RUN_MS }, (error, _, said) => {
      resolve([error, said.trim()])
    })
  })
}
