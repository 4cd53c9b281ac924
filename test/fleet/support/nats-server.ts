import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ROOT } from '../../support/host.ts'
import { type Scope } from '../../support/temp.ts'

const OWN = join(ROOT, 'dist', 'nats-server')

/**
 * The server to test against: the system's, else Debian's package unpacked under dist/, which needs no root. Where neither can be
 * had the tests fail: nothing of the store would have been tested.
 */
function natsServerPath(): string {
  for (const path of [
    '/usr/sbin/nats-server',
    '/usr/bin/nats-server',
    '/usr/local/bin/nats-server',
    join(OWN, 'usr/sbin/nats-server'),
  ])
    if (existsSync(path)) return path
  mkdirSync(OWN, { recursive: true })
  const download = spawnSync('apt-get', ['download', 'nats-server'], { cwd: OWN, encoding: 'utf8' })
  const file = readdirSync(OWN).find((name) => name.endsWith('.deb'))
  if (file === undefined)
    throw new Error(
      `there is no nats-server, and it could not be downloaded: install Debian's package nats-server\n${download.stderr}`,
    )
  const unpacked = spawnSync('dpkg-deb', ['-x', file, OWN], { cwd: OWN, encoding: 'utf8' })
  rmSync(join(OWN, file))
  if (unpacked.status !== 0) throw new Error(`nats-server could not be unpacked: ${unpacked.stderr}`)
  return join(OWN, 'usr/sbin/nats-server')
}

export interface NatsServer {
  readonly port: number
  readonly url: string
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>
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
    start,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
