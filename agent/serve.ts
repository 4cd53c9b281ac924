import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Memory } from './memory.ts'
import { type Metrics } from './metrics.ts'

export interface Served {
  readonly metrics: Metrics
  readonly memory: () => Memory
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
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
}

function listening(server: Server, listen: string): Promise<void> {
  const path = listen.startsWith('unix:') ? listen.slice('unix:'.length) : undefined
  if (path !== undefined) removeSocket(path)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      if (path !== undefined) chmodSync(path, 0o660)
      resolve()
    }
    if (path !== undefined) server.listen(path, done)
    else {
      const colon = listen.lastIndexOf(':')
      const address = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
      server.listen(Number(listen.slice(colon + 1)), address, done)
    }
  })
}

/** The socket of an agent that was killed. There is one agent a host, so nobody listens on it. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, memory }: Served,
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
      const amiss = amissIn(memory())
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
function amissIn({ inForce, comparedAt, error, events, refused, unreachable }: Memory): readonly string[] {
  return [
    inForce === null ? 'no commit is in force' : '',
    comparedAt === null ? 'the host has not been compared yet' : '',
    events === 'lost' ? 'the events of the host are not heard' : '',
    error === null ? '' : error.message,
    refused === null ? '' : `commit refused: ${refused.why}`,
    unreachable === null ? '' : unreachable.message,
  ].filter((text) => text !== '')
}
