import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ROOT } from '../../support/host.ts'
import { type Scope } from '../../support/temp.ts'

/** Where scripts/test.mjs puts it, if the system has none. */
const OWN = join(ROOT, 'dist', 'nats-server', 'usr', 'sbin', 'nats-server')

const SYSTEM = ['/usr/sbin', '/usr/bin', '/usr/local/bin'].map((folder) => join(folder, 'nats-server'))

/** The real server. Without it these tests fail: nothing of the store would have been tested. */
function natsServerPath(): string {
  const found = [...SYSTEM, OWN].find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new Error("there is no nats-server: `npm test` gets Debian's package, or install it")
}

export interface NatsServer {
  readonly port: number
  readonly url: string
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
  /** It holds what is connected, and answers nothing: as a network that has gone. */
  freeze(): void
  thaw(): void
  /** On the same port, with what it had stored. */
  start(): Promise<void>
}

/** A real server with a store in a folder of the test's. `config`: what it is to do besides listening. */
export async function startNats(
  scope: Scope,
  folder: string,
  config: string,
  isTls = false,
): Promise<NatsServer> {
  const port = await freePort()
  const file = join(folder, 'server.conf')
  writeFileSync(
    file,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${join(folder, 'jetstream')}" }\n${config}\n`,
  )
  let end: () => Promise<void> = () => Promise.resolve()
  let signal: (name: NodeJS.Signals) => void = () => undefined
  const start = async (): Promise<void> => {
    const child = spawn(natsServerPath(), ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve()
      }),
    )
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('Server is ready')) resolve()
      })
      void ended.then(() => {
        reject(new Error(`nats-server ended: ${said}`))
      })
    })
    signal = (name) => child.kill(name)
    end = async () => {
      child.kill('SIGKILL')
      await ended
    }
  }
  await start()
  scope.after(() => end())
  return {
    port,
    url: isTls ? `tls://localhost:${port}` : `nats://127.0.0.1:${port}`,
    kill: () => end(),
    freeze: () => {
      signal('SIGSTOP')
    },
    thaw: () => {
      signal('SIGCONT')
    },
    start,
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
