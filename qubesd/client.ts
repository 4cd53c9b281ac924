import { type Code, type CodeOf } from '../spec/diagnostics/index.ts'
import { type Call, decodeReply } from './codec.ts'
import { codeOf, fromException, policyLine, QubesdError, redactPayload } from './errors.ts'
import { type Transport } from './transport.ts'

export interface ClientOptions {
  /** Calls under way at once. More than 8 gain nothing: qubesd is one thread. */
  readonly concurrency?: number
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** This qube's name, for policy lines in errors. */
  readonly source?: string
  /** Told of each call when its answer is in. Never of payloads: they are blotted out, and what qubesd says of them left out. */
  readonly onCall?: (call: Call, outcome: 'ok' | Code) => void
}

interface CallOptions {
  readonly timeoutMs?: number
  /** A write goes on to its end even if the run is being stopped: half a call helps nobody. */
  readonly finish?: boolean
  /** What the daemon fails with where nothing is set: the answer to that is UNSET. Most features are not, and an error has a stack. */
  readonly unset?: CodeOf<'host'> | undefined
}

export const UNSET: Buffer = Buffer.alloc(0)

/** The one seam to the daemon: everything above speaks in calls, everything below in bytes. */
export interface Client {
  readonly transport: Transport
  /** This qube's name, where it is one. */
  readonly source: string
  /** Content of a good answer. Anything else fails with QubesdError. */
  call(call: Call, options?: CallOptions): Promise<Buffer>
}

const DEFAULT_CONCURRENCY = 8
const DEFAULT_TIMEOUT_MS = 60_000

export function createClient(transport: Transport, options: ClientOptions = {}): Client {
  const places = makePlaces(options.concurrency ?? DEFAULT_CONCURRENCY)
  const defaultTimeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const source = options.source ?? 'MANAGEMENT-QUBE'

  function contentOf(call: Call, bytes: Buffer, unset: CallOptions['unset']): Buffer {
    const reply = decodeReply(bytes)
    switch (reply.kind) {
      case 'ok':
        options.onCall?.(redactPayload(call), 'ok')
        return reply.content
      case 'exception': {
        if (unset !== undefined && codeOf(call, reply.type, reply.message) === unset) {
          options.onCall?.(redactPayload(call), unset)
          return UNSET
        }
        const error = fromException(call, reply.type, reply.message)
        throw error.code === 'refused' ? refused(call, source, transport, error) : error
      }
      case 'refused':
        throw refused(call, source, transport)
      case 'malformed':
        throw new QubesdError('malformed-answer', call, reply.reason, 'see `journalctl -u qubesd -e` in dom0')
    }
  }

  /** Without a promise of its own for each step: a plan of a thousand qubes is eight thousand calls. */
  function exchange(
    call: Call,
    { finish, timeoutMs = defaultTimeoutMs, unset }: CallOptions,
  ): Promise<Buffer> {
    const signal = finish === true ? undefined : options.signal
    return transport.exchange(call, { timeoutMs, signal }).then(
      (bytes) => {
        places.leave()
        try {
          return contentOf(call, bytes, unset)
        } catch (error) {
          throw told(error)
        }
      },
      (error: unknown) => {
        places.leave()
        throw told(error)
      },
    )
  }

  function told(error: unknown): unknown {
    if (error instanceof QubesdError) options.onCall?.(error.call, error.code)
    return error
  }

  return {
    transport,
    source,
    call: (call, how = {}) =>
      places.enter() ? exchange(call, how) : places.turn().then(() => exchange(call, how)),
  }
}

function refused(call: Call, source: string, transport: Transport, cause?: QubesdError): QubesdError {
  const what =
    cause === undefined
      ? 'refused, with no reason given'
      : cause.message.slice(cause.message.indexOf(': ') + 2)
  const why =
    'qubesd says no this way to what is not permitted or not known to this release, and when it fails inside; `journalctl -u qubesd -e` in dom0 tells which'
  const hint =
    transport.kind === 'qrexec'
      ? `${why}; the policy line for it is\n  ${policyLine(call, source)}`
      : `${why}; from a management qube the policy line would be\n  ${policyLine(call, source)}`
  return new QubesdError('refused', call, what, hint, cause)
}

/** A counting semaphore. A place that is given back goes to whoever has waited longest. */
function makePlaces(count: number): { enter(): boolean; turn(): Promise<void>; leave(): void } {
  let free = count
  const waiting: (() => void)[] = []
  return {
    /** Whether there was a place. */
    enter() {
      if (free === 0) return false
      free -= 1
      return true
    },
    turn: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
      }),
    leave() {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
  }
}
