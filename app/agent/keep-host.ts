import {
  type AgentHost,
  type AgentSettings,
  type Clock,
  gateAt,
  type Memory,
  type Notice,
  runAgent,
  type Source,
  type Store,
  type Turn,
} from '../../agent/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Say } from './say.ts'

export interface KeepOptions {
  readonly policies: HostPolicies
  /** Where the commits come from, and for which fleet. */
  readonly follows: Pick<AgentSettings, 'where' | 'paths' | 'fleet' | 'lookEvery'>
  readonly source: Source
  readonly host: AgentHost
  readonly store: Store
  readonly clock: Clock
  /** Name of the host in notices. */
  readonly name: string
  readonly signal: AbortSignal
  readonly say: Say
  /** Told after each turn of the loop. */
  readonly onTurn: (turn: Turn) => void
  readonly onNotice: (notice: Notice) => void
}

/** The loop of one host, and what others have it do. */
export interface KeptHost {
  /** Ends once the signal fires. */
  readonly running: Promise<void>
  readonly memory: () => Memory
  /** Has it look at the repository and the host now. */
  readonly nudge: () => void
  /** Has it look at what it is ordered. */
  readonly onOrdered: () => void
  /** Why the servers of its fleet are not reached; null: they answer. */
  readonly onFleet: (trouble: Problem | null) => void
}

/** Notices of what the loop has said in its log already. */
const LOGGED: ReadonlySet<string> = new Set([
  'refused',
  'unreachable',
  'reachable',
  'fleet-away',
  'fleet-back',
  'error',
])

/** Begins to keep a host as its source says and its policies allow: in the process of an agent, or of a controller. */
export async function keepHost(options: KeepOptions): Promise<KeptHost> {
  const { policies, follows, source, host, store, clock, name, signal, say } = options
  let { memory } = await store.load()
  let [nudge, onOrdered] = [(): void => undefined, (): void => undefined]
  let onFleet: KeptHost['onFleet'] = () => undefined
  const running = runAgent({
    settings: {
      ...follows,
      policy: policies.policy,
      compareEvery: policies.compareMs,
      gate: (now) => gateAt(policies, now),
    },
    source,
    host,
    store,
    clock,
    hostname: name,
    signal,
    onOrder: (listener) => {
      onOrdered = listener
    },
    onFleet: (listener) => {
      onFleet = listener
    },
    onNudge: (listener) => {
      nudge = listener
      store.onOrders(listener, signal).catch((error: unknown) => {
        // The kernel watches only so many folders. Orders are read at every turn, and before every apply.
        say('warn', 'orders of a person are not heard at once, but at the next turn', { why: String(error) })
      })
    },
    tell: (notice) => {
      if (!LOGGED.has(notice.kind)) say('info', notice.text, { notice: notice.kind })
      options.onNotice(notice)
    },
    watch: {
      say,
      turn: (turn) => {
        memory = turn.memory
        options.onTurn(turn)
      },
    },
  })
  return {
    running,
    memory: () => memory,
    nudge: () => {
      nudge()
    },
    onOrdered: () => {
      onOrdered()
    },
    onFleet: (trouble) => {
      onFleet(trouble)
    },
  }
}
