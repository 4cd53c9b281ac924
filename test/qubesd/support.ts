import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext } from 'node:test'
import { type Client, type ClientOptions, createClient } from '../../qubesd/client.ts'
import { type Call } from '../../qubesd/codec.ts'
import { QubesdError } from '../../qubesd/errors.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import {
  type SimulatedVersion,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../simulator/index.ts'
import { type CodeOf } from '../../spec/diagnostics/index.ts'
import { type QubesVersion } from '../../reconciler/index.ts'

/** One recorded exchange. `where` is for messages of failed tests. */
export interface Exchange {
  readonly where: string
  readonly folder: string
  readonly release: QubesVersion
  readonly scenario: string
  readonly note: string
  readonly request: Buffer
  readonly response: Buffer
}

const FOLDERS: readonly (readonly [string, QubesVersion])[] = [
  ['4.2', '4.2'],
  ['4.3', '4.3'],
  ['4.4-dev', '4.4'],
]

export const RELEASES: readonly SimulatedVersion[] = ['4.3', '4.4']

/** All that was recorded, of all releases, in the order it was sent. */
export function exchanges(): Exchange[] {
  const root = transcripts()
  return FOLDERS.flatMap(([folder, release]) =>
    readdirSync(join(root, folder)).flatMap((file) => {
      const [, ...lines] = readFileSync(join(root, folder, file), 'utf8')
        .trimEnd()
        .split('\n')
      return lines.map((line, i) => {
        const record = JSON.parse(line) as { note: string; request_b64: string; response_b64: string }
        return {
          where: `${folder}/${file}:${i + 2}`,
          folder,
          release,
          scenario: file.replace('.jsonl', ''),
          note: record.note,
          request: Buffer.from(record.request_b64, 'base64'),
          response: Buffer.from(record.response_b64, 'base64'),
        }
      })
    }),
  )
}

export interface Sent {
  readonly source: string
  readonly kind: string
  readonly call: Call
}

/** Reads a request on its own terms, not with the code under test. `undefined` for what is no request. */
export function readRequest(bytes: Buffer): Sent | undefined {
  const match = /^([^ \0]+) ([^ \0]+) ([^ \0]+) ([^ \0]+)\0([^]*)$/.exec(bytes.toString('latin1'))
  if (match === null) return undefined
  const [, service = '', source = '', kind = '', dest = '', payload = ''] = match
  const plus = service.indexOf('+')
  const method = plus === -1 ? service : service.slice(0, plus)
  const arg = plus === -1 ? '' : service.slice(plus + 1)
  return { source, kind, call: { dest, method, arg, payload } }
}

/** Content of a good answer as text. */
export function okText(exchange: Exchange): string | undefined {
  const { response } = exchange
  return response[0] === 0x30 && response[1] === 0 ? response.subarray(2).toString('utf8') : undefined
}

/** Compiled tests live in dist/, the recordings do not. */
function transcripts(): string {
  for (let dir = process.cwd(); ; dir = dirname(dir)) {
    const found = join(dir, 'test/transcripts')
    if (existsSync(join(found, 'fixture.json'))) return found
    if (dir === dirname(dir)) throw new Error('test/transcripts is not above the working directory')
  }
}

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'qstate-qubesd-'))
  t.after(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

export async function simulator(
  t: TestContext,
  options: Omit<SimulatorOptions, 'socket'> = {},
): Promise<Simulator> {
  const started = await startSimulator({ socket: join(folder(t), 'qubesd.sock'), ...options })
  t.after(() => started.close())
  return started
}

export const clientOf = (at: { readonly socket: string }, options: ClientOptions = {}): Client =>
  createClient(socketTransport(at.socket), options)

export interface Daemon {
  readonly socket: string
  /** Connections so far. */
  readonly connections: () => number
}

/** A daemon that does as it is told with each request, for what the simulator is too well-behaved to do. */
export async function daemon(
  t: TestContext,
  onRequest: (connection: Socket, nth: number) => void,
): Promise<Daemon> {
  const socket = join(folder(t), 'qubesd.sock')
  const open = new Set<Socket>()
  let connections = 0
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    const nth = ++connections
    open.add(connection)
    connection.on('error', () => undefined)
    connection.on('close', () => open.delete(connection))
    connection.resume()
    connection.on('end', () => {
      onRequest(connection, nth)
    })
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(
    () =>
      new Promise<void>((resolve) => {
        for (const connection of open) connection.destroy()
        server.close(() => {
          resolve()
        })
      }),
  )
  return { socket, connections: () => connections }
}

/** For assert.rejects: the typed error of that code, about that call, with something to do next. */
export function failsWith(code: CodeOf<'host'>, method?: string): (error: unknown) => true {
  return (error) => {
    if (!(error instanceof QubesdError)) throw error
    if (error.code !== code) throw new Error(`${error.code} instead of ${code}`, { cause: error })
    if (method !== undefined && error.call.method !== method)
      throw new Error(`about ${error.call.method}`, { cause: error })
    if (error.hint === '') throw new Error('no hint', { cause: error })
    return true
  }
}

/** The error itself, for a closer look. */
export async function failure(promise: Promise<unknown>): Promise<QubesdError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof QubesdError) return error
    throw error
  }
  throw new Error('it did not fail')
}

export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((r) => {
    resolve = r
  })
  return { promise, resolve }
}

export const read = (dest = 'win10-work', method = 'admin.vm.tag.List', arg = ''): Call => ({
  dest,
  method,
  arg,
  payload: '',
})
