import { type ChildProcess, spawn } from 'node:child_process'
import { readBytes } from '../../documents/read/index.ts'
import { type NotifyTarget } from '../../spec/agent/index.ts'
import { type Clock } from '../ports/index.ts'
import { type Notice } from './notifications.ts'

export interface NotifierOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly say: (level: 'info' | 'warn', message: string, about?: object) => void
}

export interface Notifier {
  /** Returns at once: a target that does not answer delays only itself. */
  readonly notify: (notice: Notice) => void
  /** Resolves once nothing is left to deliver. */
  readonly delivered: () => Promise<void>
}

/** Of one target; the oldest go first when there are more. */
const MAX_WAITING = 200
const TRIES = 12
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 10 * 60_000
const TIMEOUT_MS = 20_000
const COMMAND_TIMEOUT_MS = 60_000

export function openNotifier(targets: readonly NotifyTarget[], options: NotifierOptions): Notifier {
  const queues = targets.map((target) => ({ target, queue: openQueue(target, options) }))
  return {
    notify(notice) {
      for (const { target, queue } of queues)
        if (target.on?.includes(notice.kind) ?? true) queue.notify(notice)
    },
    async delivered() {
      await Promise.all(queues.map(({ queue }) => queue.delivered()))
    },
  }
}

/** Delivers one after the other, so that a target sees them in the order in which they happened. */
function openQueue(target: NotifyTarget, { clock, signal, say }: NotifierOptions): Notifier {
  const waiting: Notice[] = []
  const name = nameOf(target)
  let working: Promise<void> | null = null
  const work = async (): Promise<void> => {
    for (let notice = waiting.shift(); notice !== undefined && !signal.aborted; notice = waiting.shift()) {
      const why = await deliver(target, notice, clock, signal)
      if (why !== null) say('warn', `notice ${notice.kind} of ${notice.at} not delivered to ${name}: ${why}`)
    }
  }
  return {
    notify(notice) {
      waiting.push(notice)
      if (waiting.length > MAX_WAITING) {
        waiting.shift()
        say('warn', `${name} does not keep up: the oldest notice is dropped`)
      }
      working ??= work().finally(() => {
        working = null
      })
    },
    async delivered() {
      await working
    },
  }
}

/** Tries until it is taken, is refused for good, or has been tried often enough. Why it was not taken, or null. */
async function deliver(
  target: NotifyTarget,
  notice: Notice,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  const body = JSON.stringify(notice)
  for (let tries = 1; ; tries += 1) {
    // Some of what keeps a program from starting is thrown; none of it may end the agent.
    const sent = await send(target, body, signal).catch((error: unknown) => untaken(error))
    if (sent === 'taken') return null
    if (sent.final || tries >= TRIES || signal.aborted) return sent.why
    await clock.sleep(Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS), signal)
  }
}

type Sent = 'taken' | { readonly why: string; readonly final: boolean }

const send = ({ to }: NotifyTarget, body: string, signal: AbortSignal): Promise<Sent> =>
  to.kind === 'webhook' ? post(to, body, signal) : run(to.argv, body, signal)

async function post(
  { url, tokenFile }: { readonly url: string; readonly tokenFile: string | null },
  body: string,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const token = tokenFile === null ? null : readBytes(tokenFile)
    if (token === undefined) return { why: `there is no file ${tokenFile ?? ''}`, final: false }
    if (token !== null && 'fault' in token) return { why: `${tokenFile ?? ''}: ${token.fault}`, final: false }
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'qstate',
        ...(token === null ? {} : { authorization: `Bearer ${token.bytes.toString('utf8').trim()}` }),
      },
      // A token is for whom it was meant, and not for whoever that one points to.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    if (response.ok) return 'taken'
    const { status } = response
    // What is wrong with the request will be wrong again; that there were too many, or too late, will not.
    const final = status < 500 && status !== 408 && status !== 429
    return { why: `it answers ${status}`, final }
  } catch (error) {
    return untaken(error)
  }
}

const untaken = (error: unknown): Sent => ({ why: reasonOf(error), final: false })

/** Only that it failed and how, since a URL may hold a secret. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error && cause.name === 'TimeoutError'
    ? 'no answer in time'
    : 'it cannot be reached'
}

function run(argv: readonly string[], input: string, signal: AbortSignal): Promise<Sent> {
  const [program = '', ...args] = argv
  return new Promise((resolve) => {
    // Where the process may open no more files, there is no pipe.
    const child: ChildProcess = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      killSignal: 'SIGKILL',
      // Not its own time-out, whose timer outlives a program that is not there.
      signal: AbortSignal.any([signal, AbortSignal.timeout(COMMAND_TIMEOUT_MS)]),
    })
    child.on('error', (error) => {
      const final = 'code' in error && error.code === 'ENOENT'
      resolve({ why: final ? 'there is no such program' : error.message, final })
    })
    child.on('close', (code, killed) => {
      resolve(code === 0 ? 'taken' : { why: `it ended with ${killed ?? String(code)}`, final: false })
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(`${input}\n`)
  })
}

function nameOf({ to }: NotifyTarget): string {
  if (to.kind === 'command') return to.argv[0] ?? ''
  return URL.canParse(to.url) ? new URL(to.url).host : 'the webhook'
}
