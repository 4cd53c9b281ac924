import { spawn } from 'node:child_process'

export interface Ended {
  /** What it ended with, or why it did not end by itself: ABORTED, ETIMEDOUT, ENOBUFS; ENOENT where it is not there. */
  readonly code: string
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

export interface RunOptions {
  readonly env: Readonly<Record<string, string>>
  readonly input: string
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Runs a program in a process group of its own, so that whatever it starts (ssh, a helper for https) is ended with it. */
export function runGroup(program: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { env, input, maxBytes, timeoutMs, signal } = options
  const nothing = Buffer.alloc(0)
  if (signal?.aborted === true)
    return Promise.resolve({ code: 'ABORTED', signal: null, stdout: nothing, stderr: nothing })
  return new Promise((resolve) => {
    const late = AbortSignal.timeout(timeoutMs)
    // A pipe that nobody reads from would break when there is nothing to write.
    const child =
      input === ''
        ? spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn(program, args, { env, detached: true, stdio: 'pipe' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let bytes = 0
    let broken: string | undefined
    const end = (why: string): void => {
      broken ??= why
      killGroup(child.pid)
      // What has left the group may hold them open.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const stop = (): void => {
      end('ABORTED')
    }
    const expire = (): void => {
      end('ETIMEDOUT')
    }
    const gather = (into: Buffer[]) => (chunk: Buffer) => {
      into.push(chunk)
      bytes += chunk.length
      if (bytes > maxBytes) end('ENOBUFS')
    }
    signal?.addEventListener('abort', stop)
    late.addEventListener('abort', expire)
    child.stdout.on('data', gather(out))
    child.stderr.on('data', gather(err))
    child.stdin?.on('error', () => undefined)
    child.on('error', (error: NodeJS.ErrnoException) => {
      broken ??= error.code ?? error.message
    })
    child.on('close', (status, killedBy) => {
      signal?.removeEventListener('abort', stop)
      late.removeEventListener('abort', expire)
      const code = broken ?? String(status)
      resolve({ code, signal: killedBy, stdout: Buffer.concat(out), stderr: Buffer.concat(err) })
    })
    child.stdin?.end(input)
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
