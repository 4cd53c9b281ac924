import { type Blocked } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy, type Value } from '../../spec/index.ts'
import { type Attempts, type Held } from '../policy/index.ts'
import { type Ordered } from './orders.ts'

/**
 * What an agent knows, and keeps over restarts: plain JSON, shown by `qstate status`. Losing it costs the history of what was
 * seen, and the commit that a new one must come after; never anything of what is owned.
 */
export interface Memory {
  readonly schema: 'qstate.agent'
  readonly version: 1
  readonly updatedAt: string
  /** For people: repository and branch or tag. */
  readonly source: string
  /** Of this host's spec, from the root of the repository. */
  readonly paths: readonly string[]
  readonly mode: string
  /** Where the host belongs to a fleet: `paths` are then the fleet's own files. */
  readonly fleet: { readonly name: string; readonly host: string } | null
  /** The last order that was heeded. */
  readonly ordered: Ordered | null
  /** The commit that branch or tag stands at, or that was ordered, as last seen. */
  readonly wanted: { readonly commit: string; readonly seenAt: string } | null
  /** The last good commit: what the host is compared with. */
  readonly inForce: { readonly commit: string; readonly since: string; readonly signers: string } | null
  /** The last commit after which nothing of its own was left to do. */
  readonly applied: { readonly commit: string; readonly at: string } | null
  /** What the commit in force was found to change here when it came, by its digest, and the last generation that was made for it. */
  readonly took: {
    readonly commit: string
    readonly digest: string
    readonly generation: number | null
  } | null
  /** Everything has been compared since the commit in force came, or was ordered. */
  readonly compared: boolean
  /** Nothing of its own was left to do then. */
  readonly settled: boolean
  /** The order whose commit could not be had, and is not looked for any more. */
  readonly gaveUp: (Problem & { readonly id: string }) | null
  readonly refused: (Problem & { readonly commit: string; readonly since: string }) | null
  readonly unreachable: (Problem & { readonly since: string; readonly times: number }) | null
  readonly fleetAway: FleetAway | null
  readonly error: (Problem & { readonly since: string }) | null
  readonly events: 'connected' | 'lost' | 'refused'
  readonly comparedAt: string | null
  readonly drift: readonly Drift[]
  readonly held: readonly Held[]
  readonly blocked: readonly (Blocked & { readonly qube: string })[]
  /** Why the last apply on a qube failed, until one does not. */
  readonly failing: readonly (Problem & { readonly qube: string })[]
  readonly waiting: readonly Waiting[]
  readonly proposed: { readonly file: string; readonly changes: string; readonly at: string } | null
  readonly suspended: Suspension | null
  readonly corrections: Attempts
  readonly failures: Attempts
  readonly restarts: Attempts
  /** Qubes that were shut down to be started again, and since when: they have to be, whatever happens. */
  readonly restarting: Readonly<Record<string, string>>
  /** Settings applied for the commit in force, by `qube/path`: another value there is somebody else’s doing. */
  readonly put: readonly string[]
}

/** A person wants the agent to write nothing. */
export interface Suspension {
  /** ISO 8601, or null: until it is resumed. */
  readonly until: string | null
  readonly by: string
  readonly since: string
  readonly why: string
}

/** The order is a file that nobody takes away when its time is over. */
export const holdsStill = (suspended: Suspension | null, now: Date): boolean =>
  suspended !== null && (suspended.until === null || now.getTime() < Date.parse(suspended.until))

/** Settings of a running qube that count after its next start. */
export interface Waiting {
  readonly qube: string
  readonly paths: readonly string[]
  readonly restart: RestartPolicy
}

/** The servers of the fleet are not reached, or refuse this host: it is kept as it was last ordered. */
export interface FleetAway extends Problem {
  readonly since: string
  /** Over by itself it may not be, or it has not been for minutes: somebody should know. */
  readonly lasts: boolean
}

/** A setting that is not as qstate left it. */
export interface Drift {
  readonly qube: string
  readonly path: string
  readonly wanted: Value | null
  readonly found: Value | null
  readonly since: string
  /** How it came to be noticed: the event, or the comparison. Who did it qubesd does not tell. */
  readonly noticed: string
}

export const NO_MEMORY: Memory = {
  schema: 'qstate.agent',
  version: 1,
  updatedAt: '',
  source: '',
  paths: [],
  mode: '',
  fleet: null,
  ordered: null,
  wanted: null,
  inForce: null,
  applied: null,
  took: null,
  compared: false,
  settled: false,
  gaveUp: null,
  refused: null,
  unreachable: null,
  fleetAway: null,
  error: null,
  events: 'lost',
  comparedAt: null,
  drift: [],
  held: [],
  blocked: [],
  failing: [],
  waiting: [],
  proposed: null,
  suspended: null,
  corrections: {},
  failures: {},
  restarts: {},
  restarting: {},
  put: [],
}
