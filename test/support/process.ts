import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './host.ts'

export interface Ended {
  /** Null: ended by a signal. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stderr and stdout together have this text; fails when the process ends without. */
  said(text: string): Promise<void>
}

/** As it is shipped: the bundle, unless something was compiled after it, and with V8's compiled code of an earlier start. */
const PROGRAM = join(ROOT, 'bin', 'qstate')
const CACHE = join(ROOT, 'dist', 'cache')

/** Starts `qstate` as a process of its own. */
export const startQstate = (
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
  place?: Place,
): Running => startProgram([process.execPath, PROGRAM, ...argv], env, place)

/** `detached`: as the leader of a process group. */
type Place = Pick<SpawnOptions, 'cwd' | 'detached'>

export function startProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: Place = {},
): Running {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: ROOT,
    ...place,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      XDG_CACHE_HOME: CACHE,
      NO_COLOR: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  let listeners: (() => void)[] = []
  const heard = (): void => {
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    heard()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({ code, signal, out, err })
    })
  })
  return {
    child,
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!(out + err).includes(text)) return
          listeners = listeners.filter((listener) => listener !== look)
          resolve()
        }
        listeners.push(look)
        look()
        void ended.then((end) => {
          reject(new Error(`it ended without saying “${text}”: ${JSON.stringify(end)}`))
        })
      }),
  }
}

export const runQstate = (argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> =>
  startQstate(argv, env).ended
