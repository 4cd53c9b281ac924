import { once } from 'node:events'
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { MAX_REQUEST_BYTES } from '../../qubesd/index.ts'

/** A socket that takes one request a connection, as qubesd does. */
export interface Listener {
  /** Stops listening and breaks every connection, as if the daemon were killed. */
  readonly close: () => Promise<void>
}

/** Called with each whole request, and with the connection to answer on. */
type OnRequest = (bytes: Buffer, connection: Socket) => void

// The kernel's limit for the path of a socket, less the closing zero.
const MAX_PATH_BYTES = 107

export async function listen(path: string, onRequest: OnRequest): Promise<Listener> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(`${path}: longer than the ${MAX_PATH_BYTES} bytes a socket's path may have`)
  }
  await removeStale(path)
  const connections = new Set<Socket>()
  // Half-closing is how a client says that its request is whole.
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    receive(connection, onRequest)
  })
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  return { close: () => close(server, connections) }
}

function receive(connection: Socket, onRequest: OnRequest): void {
  const chunks: Buffer[] = []
  let length = 0
  connection.on('data', (chunk: Buffer) => {
    length += chunk.length
    // Past its limit the daemon breaks the connection and answers nothing.
    if (length > MAX_REQUEST_BYTES) connection.destroy()
    else chunks.push(chunk)
  })
  connection.on('end', () => {
    if (length <= MAX_REQUEST_BYTES) onRequest(Buffer.concat(chunks), connection)
  })
  // A client that went away is not the daemon's trouble.
  connection.on('error', () => connection.destroy())
}

async function close(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve()
    })
  })
  for (const connection of connections) connection.destroy()
  await closed
}

/** Removes a socket that nobody listens on; anything else in the way is an error. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return
  if (!found.isSocket()) throw new Error(`${path}: exists and is not a socket`)
  if (await answers(path)) throw new Error(`${path}: another daemon listens here`)
  unlinkSync(path)
}

async function answers(path: string): Promise<boolean> {
  const probe = connect(path)
  try {
    await once(probe, 'connect')
    return true
  } catch {
    return false
  } finally {
    probe.destroy()
  }
}
