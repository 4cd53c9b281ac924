import { connect, type IpcNetConnectOpts, type Socket } from 'node:net'
import { type Call, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, requestText } from './codec.ts'
import { QubesdError } from './errors.ts'
import { makeWatch, type Watch, type Why } from './in-flight-call.ts'
import { type ExchangeOptions, type Transport } from './transport.ts'

export const QUBESD_SOCKET = '/var/run/qubesd.sock'

/** Talks to qubesd over its Unix socket: one connection a call, as the protocol has it. */
export function socketTransport(path: string): Transport {
  const watch = makeWatch()
  return {
    kind: 'socket',
    where: path,
    exchange: (call, options) => exchange(path, call, options, watch),
    stream: (call, signal) => stream(path, call, signal),
  }
}

const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024)

function copied(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  SCRATCH.copy(bytes, 0, 0, length)
  return bytes
}

function exchange(
  path: string,
  call: Call,
  { signal, timeoutMs }: ExchangeOptions,
  watch: Watch,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = requestText(call)
    if (request.length > MAX_REQUEST_BYTES) {
      reject(tooLarge(call, request.length))
      return
    }
    if (signal?.aborted === true) {
      reject(aborted(call))
      return
    }
    let chunks: Buffer[] = []
    let size = 0
    const options: IpcNetConnectOpts & { readonly __proto__: null } = {
      // Node copies the options, and V8 would lay out the copy of any other object anew for each call: a third of what one costs.
      __proto__: null,
      path,
      // Both ends say that they have ended, so that this side need not look out for the other's end to say it.
      allowHalfOpen: true,
      // Read into one buffer for all, and copied from there: Node would allocate 64 KiB for each answer of a few bytes.
      onread: {
        buffer: SCRATCH,
        callback: (length) => {
          size += length
          if (size > MAX_REPLY_BYTES + 2) socket?.destroy(oversized(call))
          else chunks.push(copied(length))
          return true
        },
      },
    }
    let socket: Socket | null = connect(options)
    const underWay = watch(signal, timeoutMs, (why) => socket?.destroy(stopped(call, why, timeoutMs)))
    // Not before the connection is there: until then Node would keep it, and listen.
    socket.on('connect', () => socket?.end(request, 'latin1'))
    socket.on('error', (error) => {
      underWay.end()
      reject(asQubesdError(call, path, error, size > 0))
    })
    socket.on('close', (hadError) => {
      // V8 puts parts of sockets among what lives long, where a dead one keeps all that its listeners know: not the socket too.
      socket = null
      if (hadError) return
      underWay.end()
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
      // Nor the answer, which lies in 8 KiB with others.
      chunks = []
    })
  })
}

async function* stream(path: string, call: Call, signal: AbortSignal): AsyncIterable<Buffer> {
  // A call, for TypeScript: what is false now need not stay so.
  const over = (): boolean => signal.aborted
  if (over()) return
  const socket: Socket = connect({ path })
  const abort = (): void => {
    socket.destroy()
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    socket.end(requestText(call), 'latin1')
    for await (const chunk of socket) yield chunk as Buffer
  } catch (error) {
    if (!over()) throw asQubesdError(call, path, error, false)
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

function asQubesdError(call: Call, path: string, error: unknown, answered: boolean): QubesdError {
  if (error instanceof QubesdError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'ENOENT':
      return new QubesdError('daemon-unreachable', call, `there is no socket ${path}`, NOT_THERE, error)
    case 'ECONNREFUSED':
      return new QubesdError('daemon-unreachable', call, `nothing listens on ${path}`, NOT_RUNNING, error)
    case 'EACCES':
    case 'EPERM':
      return new QubesdError(
        'daemon-unreachable',
        call,
        `no permission to open ${path}`,
        NO_PERMISSION,
        error,
      )
    case 'EMFILE':
    case 'ENFILE':
      return noFiles(call, error)
    default: {
      const what = answered
        ? 'the connection broke in the middle of the answer'
        : 'the connection broke before an answer'
      return new QubesdError(
        'daemon-unreachable',
        call,
        code === '' ? what : `${what} (${code})`,
        NOT_RUNNING,
        error,
      )
    }
  }
}

/** Which the daemon cannot help. */
export function noFiles(call: Call, error: unknown): QubesdError {
  const hint = 'raise how many files may be open (`ulimit -n`), or lower --concurrency'
  return new QubesdError('daemon-unreachable', call, 'too many files are open here', hint, error)
}

const NOT_THERE =
  'run this in dom0 or in a management qube, or name the socket with --socket; `qstate simulator` offers one to try'
const NOT_RUNNING =
  'see `systemctl status qubesd` in dom0, then run this again: what has been done already is not done twice'
const NO_PERMISSION = 'run this as root, or as a member of the group that owns the socket (qubes)'

export function tooLarge(call: Call, bytes: number): QubesdError {
  const what = `the request has ${bytes} bytes, and qubesd drops any over ${MAX_REQUEST_BYTES}`
  return new QubesdError('request-too-large', call, what, 'shorten the value')
}

export function oversized(call: Call): QubesdError {
  return new QubesdError(
    'malformed-answer',
    call,
    'the answer does not end',
    'see `journalctl -u qubesd -e` in dom0',
  )
}

/** Why a call was stopped. */
export const stopped = (call: Call, why: Why, timeoutMs: number): QubesdError =>
  why === 'aborted' ? aborted(call) : timedOut(call, timeoutMs)

function timedOut(call: Call, ms: number): QubesdError {
  const hint = 'qubesd is busy or stuck: see `journalctl -u qubesd -e` in dom0; --timeout sets the limit'
  return new QubesdError('timeout', call, `no whole answer within ${ms / 1000} s`, hint)
}

export function aborted(call: Call): QubesdError {
  return new QubesdError('aborted', call, 'stopped before the answer came', 'run this again to go on')
}
