import { type DriftPolicies } from '../vocabulary/index.ts'

/** How a host is kept, whatever says what it is to have. */
export interface HostPolicies {
  readonly policy: {
    /** What is done about what a commit newly says. */
    readonly commits: 'observe' | 'propose' | 'apply'
    /** Drift in a setting without a policy is reported. */
    readonly drift: DriftPolicies
    /** What is done about what a commit no longer names. */
    readonly withdraw: 'apply' | 'report'
  }
  readonly compareMs: number
  /** Times of the week in which anything may be written; empty: always. */
  readonly windows: readonly Window[]
  readonly freezes: readonly Freeze[]
  readonly restartTimeoutMs: number
  readonly notify: readonly NotifyTarget[]
}

/** What an agent is to do, as a file on its host says: nothing of it comes from the repository that it watches. */
export interface AgentConfig extends HostPolicies {
  readonly source: {
    /** What git takes: https, ssh, a path, or a bundle's path. */
    readonly url: string
    readonly ref: { readonly kind: 'branch' | 'tag'; readonly name: string }
    /** Files and folders from the root of the repository. */
    readonly paths: readonly string[]
    readonly everyMs: number
    /** Of what one fetch may bring. */
    readonly maxBytes: number
    readonly identity: string | null
    readonly knownHosts: string | null
    /** File with user and token of an https server. */
    readonly credentials: string | null
  }
  /** Whose orders say which commit is wanted; null: branch or tag do. */
  readonly fleet: AgentFleet | null
  readonly verify: AgentTrust & { readonly commits: 'all' | 'tip' }
  /** Where metrics, health and status are served: `unix:PATH` or `ADDRESS:PORT`; null: nowhere. */
  readonly listen: string | null
}

export interface AgentFleet {
  readonly name: string
  /** Null: it is known there by the machine's name. */
  readonly host: string | null
  readonly servers: readonly string[]
  /** Files on this host: its private key, and the certificates that the servers' are signed with. */
  readonly key: string | null
  readonly ca: string | null
  /** Public keys whose consent to a mass withdrawal is enough here; none: a person on this host has to agree. */
  readonly consent: readonly string[]
  /** Where the fleet is written down, from the root of the repository. */
  readonly file: string
  /** Folder of the programs that a rollout may have run as checks. */
  readonly checks: string
}

export type AgentTrust =
  | { readonly by: 'none' }
  | { readonly by: 'ssh'; readonly allowedSigners: string; readonly revoked: string | null }
  | { readonly by: 'gpg'; readonly keyring: string }

/** Local time. One that ends before it begins ends on the next day. */
export interface Window {
  /** Days that it begins on; 0 is Sunday. */
  readonly days: readonly number[]
  /** Minutes since midnight, up to 1440. */
  readonly from: number
  readonly to: number
}

/** From the first instant of a day up to that of another, local time. */
export interface Freeze {
  readonly from: string
  readonly until: string
  readonly why: string
}

export interface NotifyTarget {
  /** What is told; null: everything. */
  readonly on: readonly string[] | null
  readonly to:
    | { readonly kind: 'webhook'; readonly url: string; readonly tokenFile: string | null }
    /** Program and arguments. The notice comes on its standard input. */
    | { readonly kind: 'command'; readonly argv: readonly string[] }
}
