import { type Call, type Client, isWrite, QubesdError } from '../../qubesd/index.ts'
import { type Observation, type Unknown } from '../../reconciler/index.ts'
import { hasCode } from '../../spec/diagnostics/index.ts'

/** A client that only reads, and remembers what policy did not let through. */
export interface Asking {
  readonly client: Client
  /** Calls that were denied so far, each once. */
  denied(): readonly Call[]
}

export function asking(client: Client): Asking {
  const denied = new Map<string, Call>()
  return {
    denied: () => [...denied.values()],
    client: {
      transport: client.transport,
      source: client.source,
      async call(call, options) {
        if (isWrite(call.method)) throw new Error(`a check must not send ${call.method}`)
        try {
          return await client.call(call, options)
        } catch (error) {
          if (hasCode(error, 'denied-by-policy')) denied.set(`${call.method}+${call.arg} ${call.dest}`, call)
          throw error
        }
      },
    },
  }
}

/** Checks ask more than plans do. What a plan needs, the check of policy names call by call. */
const DENIED = {
  status: 'unknown',
  why: 'policy in dom0 does not let this be read',
  hint: 'nothing to do, unless the check `policy` names it: plans do without; `qstate -v doctor` tells the calls',
} as const

export async function attempt<T>(read: () => Promise<T | undefined>): Promise<Observation<T>> {
  try {
    const value = await read()
    return value === undefined ? { status: 'absent' } : { status: 'present', value }
  } catch (error) {
    return unseenFor(error)
  }
}

/** What one call could not tell is unknown; that the daemon is gone, or the run stopped, ends the examination. */
export function unseenFor(error: unknown): Unknown {
  if (!(error instanceof QubesdError) || error.code === 'aborted' || error.code === 'daemon-unreachable')
    throw error
  return error.code === 'denied-by-policy'
    ? DENIED
    : { status: 'unknown', why: error.message, hint: error.hint }
}
