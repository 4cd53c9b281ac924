import { type SourceRange } from '../diagnostics/index.ts'
import { type Written } from '../yaml/index.ts'

/** Which hosts; conditions that are null hold for all. */
export interface HostMatch {
  readonly labels: ReadonlyMap<string, string>
  /** A glob: `*` and `?`. */
  readonly name: string | null
  readonly group: string | null
}

/** A file or folder of a spec, relative to the file that names it. */
export interface SpecPath {
  readonly path: string
  readonly position: SourceRange
}

/** What the fleet, a group or a host adds to the spec: later layers are laid over earlier ones. */
export interface Layer {
  readonly spec: readonly SpecPath[]
  readonly values: ReadonlyMap<string, Written>
}

export type Reach =
  | { readonly kind: 'agent' }
  | { readonly kind: 'qrexec' }
  | { readonly kind: 'socket' | 'ssh'; readonly to: string }

export interface FleetHost {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  /** In the order in which they are declared. */
  readonly groups: readonly string[]
  /** The fleet's, then those of the groups, then its own. */
  readonly layers: readonly Layer[]
  readonly reach: Reach
  /** Public key under which its agent connects; null: it may not. */
  readonly key: string | null
  readonly position: SourceRange
}

export interface Fleet {
  readonly name: string
  /** Servers of the store; null: the store is a folder of this machine. */
  readonly servers: readonly string[] | null
  /** Public keys of those who are in charge. */
  readonly controllers: readonly string[]
  /** Servers that each keep everything. */
  readonly replicas: number
  readonly groups: readonly string[]
  /** In the order in which they are declared. */
  readonly hosts: ReadonlyMap<string, FleetHost>
}

/** A number of hosts, or a part of them in percent. */
export type Amount = { readonly count: number } | { readonly percent: number }

export interface MaxFailures {
  /** Over all waves; null: no limit but the percentage. */
  readonly count: number | null
  /** Of each wave. */
  readonly percent: number | null
}

/** Which of the hosts that are in no earlier wave: all conditions hold, and of those so many. */
export interface Choice {
  readonly hosts: readonly SpecPath[] | null
  readonly match: HostMatch | null
  readonly amount: Amount | null
}

export interface WaveSpec {
  readonly name: string
  readonly choice: Choice
  readonly maxUnavailable: Amount
  readonly maxFailures: MaxFailures
  readonly soakMs: number
  /** A person has to say that it may begin. */
  readonly approval: boolean
  readonly position: SourceRange
}

/** What a host must show after the soak, besides that the revision was applied. */
export interface Health {
  readonly drift: number
  readonly running: readonly string[]
  /** Null: any number. */
  readonly pendingRestarts: number | null
  /** Name of a program that the host's owner put there. */
  readonly check: string | null
}

export interface Away {
  readonly afterMs: number
  readonly then: 'wait' | 'skip' | 'later'
}

export interface RolloutSpec {
  readonly name: string
  /** A commit, branch or tag, as written. */
  readonly revision: string
  readonly waves: readonly WaveSpec[]
  readonly health: Health
  readonly away: Away
  /** Null: none. */
  readonly deadlineMs: number | null
  readonly rollback: boolean
}
