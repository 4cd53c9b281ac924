import { hostname, userInfo } from 'node:os'
import { addAbortSignal } from 'node:stream'
import { isatty } from 'node:tty'
import { type Io } from './io.ts'
import { main } from './main.ts'
import { EXIT, systemProblem } from '../spec/diagnostics/index.ts'

const LEFT_OPEN_MS = 2000

const stop = new AbortController()
/** What is left is only to be written out. */
let isDone = false
/** Not all of the answer could be written. */
let isCut = false
let tellStop = (name: string): void => {
  process.stderr.write(`\n${name}: finishing the call under way; once more ends it at once\n`)
}
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second time someone means it: at once, in the middle of whatever it is.
    // eslint-disable-next-line no-restricted-properties -- the one place where a process may be ended
    if (stop.signal.aborted || isDone) process.exit(name === 'SIGTERM' ? 143 : 130)
    tellStop(name)
    stop.abort(name)
  })
}
/**
 * Writes until the reader has seen enough (`| head`), which is no error. Where the disk is full, it says so once, and sets the
 * exit code. Neither is a reason to leave an apply half done.
 */
function writer(stream: NodeJS.WriteStream): (text: string) => void {
  let gone = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!gone && error.code !== 'EPIPE' && stream === process.stdout) {
      const { message, hint } = systemProblem(Object.assign(error, { path: 'stdout' }))
      io.err(`error: ${message}\n  ${hint}\n`)
      isCut = true
      endWith(Number(process.exitCode ?? EXIT.done))
    }
    gone = true
  })
  return (text) => {
    if (!gone) stream.write(text)
  }
}

function endWith(code: number): void {
  process.exitCode = isCut && (code === EXIT.done || code === EXIT.changes) ? EXIT.error : code
}

/** Width to lay text out for: what COLUMNS says, else the terminal's, else 100. */
function columns(): number {
  const said = Number(process.env['COLUMNS'])
  const width =
    Number.isInteger(said) && said > 0 ? said : process.stdout.columns || process.stderr.columns || 100
  return Math.max(40, Math.min(width, 140))
}

/** Ends early at a signal, which the caller checks next. */
function pause(ms: number): Promise<void> {
  if (stop.signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      stop.signal.removeEventListener('abort', done)
      resolve()
    }
    // eslint-disable-next-line no-restricted-globals -- the one clock
    const timer = setTimeout(done, ms)
    stop.signal.addEventListener('abort', done)
  })
}

const io: Io = {
  out: writer(process.stdout),
  err: writer(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  // Only asked where there is a question: Node’s own stdin takes longer to make than to ask.
  get inIsTerminal() {
    return isatty(0)
  },
  columns: columns(),
  program: [process.execPath, ...process.argv.slice(1, 2)],
  hostname: hostname(),
  username: userInfo().username,
  now: () => new Date(),
  pause,
  signal: stop.signal,
  onHangup: (listener) => void process.on('SIGHUP', listener),
  onStop: (listener) => {
    tellStop = listener
  },
  async readIn(maxBytes) {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of addAbortSignal(stop.signal, process.stdin) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
    return Buffer.concat(chunks)
  },
  async ask(question) {
    // Most runs ask nothing.
    const { createInterface } = await import('node:readline')
    if (stop.signal.aborted) return null
    const reader = createInterface({ input: process.stdin, output: process.stderr })
    return new Promise((resolve) => {
      const leave = (answer: string | null): void => {
        // The answer first: closing tells of the end of input, which answers null.
        resolve(answer)
        reader.close()
      }
      reader.once('close', () => {
        resolve(null)
      })
      stop.signal.addEventListener(
        'abort',
        () => {
          leave(null)
        },
        { once: true },
      )
      reader.once('SIGINT', () => {
        stop.abort('SIGINT')
        leave(null)
      })
      reader.question(question, leave)
    })
  },
}

// Not awaited at the top level, which a bundle for `require` could not hold. `main` tells whatever goes wrong.
void main(process.argv.slice(2), io).then((code) => {
  endWith(code)
  isDone = true
  if (!stop.signal.aborted) return
  // What a library has left open, such as a connection that nobody answers, keeps no process that is to end.
  // eslint-disable-next-line no-restricted-globals, no-restricted-properties -- the end of it
  setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
})
