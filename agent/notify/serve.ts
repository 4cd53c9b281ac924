import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createConnection } from 'node:net'
import { holdsStill, type Memory } from '../state/index.ts'
import { type Metrics } from './metrics.ts'

export interface Served {
  readonly metrics: Metrics
  readonly memory: () => Memory
  readonly now: () => Date
  readonly say: (level: 'warn', message: string, about?: object) => void
}

/**
 * Answers `GET /metrics`, `/healthz` (the agent is alive), `/readyz` (and keeps the host as it should be) and `/status` on a
 * Unix socket or the loopback, until the signal fires. Fails with the system's own error where it cannot listen.
 */
export async function serve(listen: string, served: Served, signal: AbortSignal): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, response, served).catch(() => {
      response.destroy()
    })
  })
  await listening(server, listen)
  server.on('error', (error) => {
    served.say('warn', `what is served on ${listen} has met an error`, { why: error.message })
  })
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
}

async function listening(server: Server, listen: string): Promise<void> {
  const path = listen.startsWith('unix:') ? listen.slice('unix:'.length) : undefined
  if (path !== undefined) await removeSocket(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      server.off('error', reject)
      resolve()
    }
    if (path !== undefined) server.listen(path, done)
    else {
      const colon = listen.lastIndexOf(':')
      const address = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
      server.listen(Number(listen.slice(colon + 1)), address, done)
    }
  })
  if (path !== undefined) chmodSync(path, 0o660)
}

/** Removes the socket that an agent which was killed has left. One that somebody answers on is somebody else’s, and stays. */
async function removeSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const isLeft = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error) => {
      resolve('code' in error && error.code === 'ECONNREFUSED')
    })
  })
  if (isLeft) unlinkSync(path)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, memory, now }: Served,
): Promise<void> {
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  }
  const json = (status: number, body: object): void => {
    send(status, 'application/json', `${JSON.stringify(body, null, 2)}\n`)
  }
  // A page in a browser on this machine may ask by a name of its own that leads here: it gets nothing.
  if (!isLocal(request.headers.host)) {
    json(403, { error: 'ask by a loopback address' })
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    json(405, { error: 'this only tells' })
    return
  }
  switch (request.url) {
    case '/metrics':
      send(200, metrics.contentType, await metrics.text())
      return
    case '/healthz':
      json(200, { status: 'alive' })
      return
    case '/readyz': {
      const amiss = amissIn(memory(), now())
      json(amiss.length === 0 ? 200 : 503, { status: amiss.length === 0 ? 'ready' : 'not ready', amiss })
      return
    }
    case '/status':
      json(200, memory())
      return
    default:
      json(404, { error: 'there are /metrics, /healthz, /readyz and /status' })
  }
}

const isLocal = (host: string | undefined): boolean =>
  host === undefined || /^(?:|127\.[0-9.]+|localhost|\[::1\])(?::[0-9]+)?$/.test(host)

/** Why the host is not being kept as it should be. */
function amissIn(memory: Memory, now: Date): readonly string[] {
  const { inForce, comparedAt, error, events, fleetAway, refused, unreachable } = memory
  const blocked = memory.blocked.map(({ qube, path }) => (path === null ? qube : `${qube}/${path}`))
  const conflicts = memory.held.filter(({ why }) => why === 'conflict')
  return [
    inForce === null ? 'no commit is in force' : '',
    comparedAt === null ? 'the host has not been compared yet' : '',
    events === 'lost' ? 'the events of the host are not heard' : '',
    error === null ? '' : error.message,
    refused === null ? '' : `commit refused: ${refused.message}`,
    unreachable === null ? '' : unreachable.message,
    fleetAway === null ? '' : `the fleet is not reached: ${fleetAway.message}`,
    named('tried in vain', Object.keys(memory.failures)),
    named('cannot be planned', blocked),
    named(
      'put right again and again, and changed back each time',
      conflicts.map(({ qube, path }) => (path === null ? qube : `${qube}/${path}`)),
    ),
    holdsStill(memory.suspended, now) ? 'suspended: it writes nothing' : '',
  ].filter((text) => text !== '')
}

const named = (what: string, names: readonly string[]): string =>
  names.length === 0 ? '' : `${what}: ${names.join(', ')}`
