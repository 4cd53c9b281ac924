import { hostname, userInfo } from 'node:os'
import { createInterface } from 'node:readline'
import { type Io } from './io.ts'
import { main } from './main.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second time someone means it: at once, in the middle of whatever it is.
    // eslint-disable-next-line no-restricted-properties -- the one place where a process may be ended
    if (stop.signal.aborted) process.exit(name === 'SIGTERM' ? 143 : 130)
    process.stderr.write(`\n${name}: finishing the call under way; once more ends it at once\n`)
    stop.abort(name)
  })
}
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // eslint-disable-next-line no-restricted-properties -- nobody is left to tell
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  inIsTerminal: process.stdin.isTTY,
  columns: Math.max(40, Math.min(process.stdout.columns || process.stderr.columns || 100, 140)),
  hostname: hostname(),
  username: userInfo().username,
  now: () => new Date(),
  // eslint-disable-next-line no-restricted-globals -- the one clock
  pause: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  signal: stop.signal,
  ask(question) {
    const reader = createInterface({ input: process.stdin, output: process.stderr })
    return new Promise((resolve) => {
      const leave = (answer: string | null): void => {
        reader.close()
        resolve(answer)
      }
      reader.once('close', () => {
        resolve(null)
      })
      reader.once('SIGINT', () => {
        stop.abort('SIGINT')
        leave(null)
      })
      reader.question(question, leave)
    })
  },
}

process.exitCode = await main(process.argv.slice(2), io)
