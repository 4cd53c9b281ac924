import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, startProgram } from './process.ts'
import { type Scope, tempFolder } from './temp.ts'

/** Stands in for systemd: timers are written down, and elapse when a test says so. */
export interface Systemd {
  /** For processes that are to find it. */
  readonly env: Readonly<Record<string, string>>
  /** Has it refuse, as for a user who may not start system units. */
  refuse(): void
  /** Options and command of each timer, as they were started. */
  timers(): readonly Timer[]
  /** Units that were stopped. */
  stopped(): readonly string[]
  /** Runs what the last timer runs, as systemd does: not in the group, folder or environment of who started it. */
  elapse(): Promise<Ended>
}

interface Timer {
  readonly options: readonly string[]
  readonly command: readonly string[]
}

export function fakeSystemd(scope: Scope): Systemd {
  const folder = tempFolder(scope)
  const [calls, refusal] = [join(folder, 'calls'), join(folder, 'refusal')]
  const program = `#!${process.execPath}
const { appendFileSync, existsSync } = require('node:fs')
const { basename } = require('node:path')
if (existsSync(${JSON.stringify(refusal)})) {
  console.error('Failed to start transient timer unit: Access denied\\nSee system logs for details.')
  process.exit(1)
}
appendFileSync(${JSON.stringify(calls)}, JSON.stringify([basename(process.argv[1]), ...process.argv.slice(2)]) + '\\n')
`
  for (const name of ['systemd-run', 'systemctl']) {
    writeFileSync(join(folder, name), program)
    chmodSync(join(folder, name), 0o755)
  }
  const env = { PATH: folder }
  const all = (name: string): readonly (readonly string[])[] =>
    (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [])
      .map((line) => JSON.parse(line) as readonly string[])
      .flatMap(([program, ...args]) => (program === name ? [args] : []))
  const timers = (): readonly Timer[] =>
    all('systemd-run').map((args) => {
      const at = args.indexOf('--')
      return { options: args.slice(0, at), command: args.slice(at + 1) }
    })
  return {
    env,
    refuse: () => {
      writeFileSync(refusal, '')
    },
    timers,
    stopped: () => all('systemctl').map((args) => args.at(-1) ?? ''),
    elapse: () => startProgram(timers().at(-1)?.command ?? [], env, { cwd: '/' }).ended,
  }
}
