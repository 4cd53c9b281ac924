import { type Call, type Client, isWrite, listedVersion, policyLine } from '../../qubesd/index.ts'
import { type Host, type HostQube } from '../../reconciler/index.ts'
import { hasCode } from '../../spec/diagnostics/index.ts'
import { qubesHost } from './qubesd/index.ts'

/** A call that policy does not let through. */
export interface DeniedCall {
  /** `admin.vm.feature.Get+audio-model`. */
  readonly call: string
  readonly dest: string
  /** The line of policy that would allow it. */
  readonly line: string
}

/** A host that only reads, and remembers what policy denied. */
export interface DenialRecorder {
  readonly host: Host
  /** Each call once. */
  denied(): readonly DeniedCall[]
}

export function recordingDenials(client: Client, qubes: readonly HostQube[]): DenialRecorder {
  const calls = new Map<string, Call>()
  const recording: Client = {
    ...client,
    async call(call, options) {
      if (isWrite(call.method)) throw new Error(`${call.method} would write`)
      try {
        return await client.call(call, options)
      } catch (error) {
        if (hasCode(error, 'denied-by-policy')) calls.set(`${call.method}+${call.arg} ${call.dest}`, call)
        throw error
      }
    },
  }
  const host = qubesHost({ client: recording, slic: NO_SLIC, version: listedVersion(qubes) })
  return {
    host: { ...host, write: never },
    denied: () =>
      [...calls.values()].map((call) => ({
        call: `${call.method}${call.arg === '' ? '' : `+${call.arg}`}`,
        dest: call.dest,
        line: policyLine(call, client.source),
      })),
  }
}

const never = (): Promise<never> => Promise.reject(new Error('a host that records denials takes no write'))

/** SLIC has a service of its own, with policy lines of its own. */
const NO_SLIC = {
  read: () => Promise.resolve({ status: 'absent' as const }),
  problem: () => Promise.resolve(undefined),
  listingCosts: false,
  list: () => Promise.resolve([]),
  texts: () => Promise.resolve(undefined),
  set: never,
  remove: never,
}
