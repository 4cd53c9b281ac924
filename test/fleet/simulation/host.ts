import { type MemberMemory } from '../../../documents/fleet/index.ts'
import { type AgentStatus, type FollowedAgent, NO_MEMORY } from '../../../fleet/member/member.ts'
import { type Code } from '../../../spec/diagnostics/index.ts'
import { type Scheduler } from './scheduler.ts'

/** What a commit does to hosts. */
export interface Commit {
  readonly id: string
  readonly signed: boolean
  /** Hosts on which it cannot be applied. */
  readonly failsOn: ReadonlySet<string>
  /** Hosts that have drifted some time after it. */
  readonly driftsOn: ReadonlySet<string>
  /** Hosts that nobody hears of again once they have it, until someone mends them. */
  readonly silences: ReadonlySet<string>
}

/** A machine of the fleet: what is on its disk and in its qubes outlives its processes. */
export interface SimulatedHost {
  readonly name: string
  memory: MemberMemory
  inForce: string | null
  following: string | null
  outcome: AgentStatus['outcome']
  code: Code | null
  drift: number
  /** The work under way: for which commit, and when it is done by true time. */
  work: { readonly commit: string; readonly until: number } | null
  /** Its owner wants it left alone. */
  held: boolean
  /** Whether the commit in force has cut its network. */
  silenced: boolean
}

export const makeHost = (name: string, commit: string | null): SimulatedHost => ({
  name,
  memory: NO_MEMORY,
  inForce: commit,
  following: commit,
  outcome: commit === null ? 'idle' : 'applied',
  code: null,
  drift: 0,
  work: null,
  held: false,
  silenced: false,
})

/** Work goes on only while the machine is awake. */
export function makeAgent(
  host: SimulatedHost,
  commits: ReadonlyMap<string, Commit>,
  scheduler: Scheduler,
): FollowedAgent {
  return {
    follow({ commit }) {
      if (host.following === commit && host.outcome !== 'idle') return Promise.resolve()
      host.following = commit
      if (commits.get(commit)?.signed !== true) {
        host.outcome = 'refused'
        host.code = 'bad-signature'
      } else if (host.inForce === commit) {
        host.outcome = 'applied'
        host.code = null
      } else {
        host.outcome = 'working'
        host.code = null
        host.work = { commit, until: scheduler.nowMs() + scheduler.random.below(120_000) }
      }
      return Promise.resolve()
    },
    status() {
      const { following, outcome, code, drift, inForce } = host
      const trouble = code === null ? null : { code, message: code, hint: '' }
      return Promise.resolve({
        following,
        outcome,
        commit: inForce,
        digest: null,
        generation: null,
        drift,
        restarts: 0,
        notRunning: [],
        check: null,
        trouble,
        held: host.held ? 'suspended' : null,
        unseenSince: null,
      })
    },
  }
}

/** Ends work whose time has come. */
export function carryOn(host: SimulatedHost, commits: ReadonlyMap<string, Commit>, nowMs: number): void {
  if (host.work === null || nowMs < host.work.until) return
  const { commit } = host.work
  const does = commits.get(commit)!
  host.work = null
  host.inForce = commit
  const failed = does.failsOn.has(host.name)
  host.outcome = failed ? 'failed' : 'applied'
  host.code = failed ? 'daemon-error' : null
  host.drift = does.driftsOn.has(host.name) ? 3 : 0
  host.silenced = does.silences.has(host.name)
}
