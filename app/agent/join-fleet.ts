import { once } from 'node:events'
import { join } from 'node:path'
import { type MemberStore, runMember } from '../../fleet/index.ts'
import { type AgentFleet } from '../../spec/agent/index.ts'
import {
  isDomain,
  isSystemError,
  type Problem,
  problemOf,
  type QstateError,
} from '../../spec/diagnostics/index.ts'
import { steadyClock } from './clock.ts'
import { followedAgent, type FollowedContext } from './followed.ts'
import { memberDisk } from './member-disk.ts'
import { connectMember } from './member-store.ts'
import { type Say } from './say.ts'

export interface MembershipContext extends Omit<FollowedContext, 'checks' | 'trust' | 'kind'> {
  readonly fleet: AgentFleet
  /** Where the agent keeps what it knows. */
  readonly folder: string
  readonly say: Say
  /** Calls whenever the loop has something to say. */
  readonly onTurn: (wake: () => void) => void
  /** Told why the servers are not reached, each time that it is found; null: they answer. */
  readonly onFleet: (problem: Problem | null) => void
}

/** As a net under what servers tell of themselves, and to be heard of. */
const LOOK_EVERY_MS = 15_000
const RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

/** This host's part in its fleet until the signal fires. Servers that are away keep nothing here from going on. */
export async function joinFleet(membership: MembershipContext): Promise<void> {
  const { fleet, folder, name, say, context } = membership
  const { signal, now } = context
  const trust = { fleet: fleet.name, keys: fleet.consent }
  const agent = followedAgent({ ...membership, checks: fleet.checks, trust, kind: 'agent' })
  const link = connectionMonitor(membership)
  // Orders of another fleet have numbers and terms of their own.
  const file = join(folder, `member-${fleet.name}.json`)
  const aborted = once(signal, 'abort').then(() => null)
  let tries = 0
  let isSaid = false
  while (!signal.aborted) {
    try {
      const connecting = connectMember(fleet, name)
      const store = await Promise.race([connecting, aborted])
      if (store === null) {
        connecting.then((late) => late.close()).catch(() => undefined)
        return
      }
      if (!isSaid) say('info', `takes the orders of the fleet ${fleet.name}, as ${name}`)
      isSaid = true
      try {
        await runMember({
          host: name,
          store,
          agent,
          trust,
          ...(await memberDisk(file, say)),
          at: () => now().toISOString(),
          say,
          onStore: (error) => {
            if (error !== null) {
              link.failed(error, store)
              return
            }
            // A connection of which nothing comes is no reason to hurry.
            tries = 0
            link.there()
          },
          clock: steadyClock,
          signal,
          lookEveryMs: LOOK_EVERY_MS,
          beatEveryMs: LOOK_EVERY_MS,
          onAgent: membership.onTurn,
        })
      } finally {
        await store.close()
      }
    } catch (error) {
      const problem = awayOf(error)
      if (problem === undefined) throw error
      tries += 1
      link.away(problem)
      await steadyClock.sleep(Math.min(RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS), signal)
    }
  }
}

/** How it stands with the servers, for the log and for whoever asks the agent. */
interface ConnectionMonitor {
  there(): void
  away(problem: Problem): void
  /** A connection that was made before has failed. Throws the error where another one is to be made. */
  failed(error: QstateError, store: MemberStore): void
}

function connectionMonitor({ fleet, name, say, onFleet, context }: MembershipContext): ConnectionMonitor {
  const { signal } = context
  /** What was said of why they are away. Of several servers each fails in its own way, and any may be the last one tried. */
  const said = new Set<string>()
  let isAsking = false
  /** Nothing has been answered since something failed. */
  let isAway = false
  /** Servers took another connection, and not that which was made with an older key. */
  let isOutdated = false
  const away = (problem: Problem): void => {
    const { message, hint } = problem
    if (!said.has(message)) say('warn', `takes no orders of the fleet now: ${message}`, { hint })
    said.add(message)
    onFleet(problem)
  }
  /**
   * The client goes on trying, and keeps to itself what the servers say to that; of a network that has gone it learns after minutes:
   * another connection tells.
   */
  const ask = async (error: QstateError, store: MemberStore): Promise<void> => {
    isAsking = true
    const wasConnected = store.isConnected()
    const why = await connectMember(fleet, name).then(
      (late) => late.close(),
      (reason: unknown) => reason,
    )
    isAsking = false
    const isBack = !isAway || (!wasConnected && store.isConnected())
    if (signal.aborted || isBack) return
    const problem = awayOf(why)
    if (problem !== undefined) away(problem)
    else if (store.isConnected()) away(unmade(error.problem))
    else isOutdated = true
  }
  return {
    away,
    there() {
      isAway = false
      isOutdated = false
      if (said.size > 0) say('info', `the fleet ${fleet.name} is reached again`)
      said.clear()
      onFleet(null)
    },
    failed(error, store) {
      isAway = true
      if (isOutdated) {
        isOutdated = false
        throw error
      }
      if (!isAsking) void ask(error, store)
    },
  }
}

/** Servers that answer, and have nothing of the fleet: the network is not what is to be seen to. */
const unmade = (problem: Problem): Problem =>
  problem.code === 'store-unreachable' ? { ...problem, hint: UNMADE } : problem

const UNMADE =
  'the servers are there, and do not say anything of this fleet: a controller makes its store (`qstate fleet controller`); has one been in charge yet?'

/** Why the store is not reached: it does not answer, or a file for it cannot be read. */
const awayOf = (error: unknown): Problem | undefined =>
  isDomain(error, 'store') || isSystemError(error) ? problemOf(error) : undefined
