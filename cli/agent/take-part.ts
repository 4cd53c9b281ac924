import { join } from 'node:path'
import { isSystemError } from '../../agent/index.ts'
import { readMemory, runMember, StoreError } from '../../fleet/index.ts'
import { readIfThere, writeDurably } from '../../journal/files.ts'
import { type AgentFleet } from '../../spec/agent/index.ts'
import { steadyClock } from '../fleet/clock.ts'
import { connectMember } from '../fleet/open-store.ts'
import { type Say } from './log.ts'
import { followedAgent, type FollowedContext } from './followed.ts'

export interface PartContext extends Omit<FollowedContext, 'checks'> {
  readonly fleet: AgentFleet
  /** Where the agent keeps what it knows. */
  readonly folder: string
  readonly say: Say
  /** Calls whenever the loop has something to say. */
  readonly onTurn: (wake: () => void) => void
}

/** As a net under what servers tell of themselves, and to be heard of. */
const LOOK_EVERY_MS = 15_000
const RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000

/** This host's part in its fleet until the signal fires. Servers that are away keep nothing here from going on. */
export async function takePart(context: PartContext): Promise<void> {
  const { fleet, folder, name, say, signal } = context
  const agent = followedAgent({ ...context, checks: fleet.checks })
  const file = join(folder, 'member.json')
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const store = await connectMember(fleet, name)
      say('info', `takes the orders of the fleet ${fleet.name}, as ${name}`)
      try {
        await runMember({
          host: name,
          store,
          agent,
          memory: readMemory(await readIfThere(file)),
          save: (memory) => writeDurably(file, JSON.stringify(memory)),
          at: () => context.now().toISOString(),
          say,
          clock: steadyClock,
          signal,
          lookEveryMs: LOOK_EVERY_MS,
          beatEveryMs: LOOK_EVERY_MS,
          onAgent: context.onTurn,
        })
      } finally {
        await store.close()
      }
    } catch (error) {
      if (!(error instanceof StoreError) && !isSystemError(error)) throw error
      if (tries === 0) say('warn', `the fleet cannot be reached: ${error.message}`, { hint: hintOf(error) })
      await steadyClock.sleep(Math.min(RETRY_MS * 2 ** tries, LONGEST_RETRY_MS), signal)
    }
  }
}

const hintOf = (error: Error): string =>
  error instanceof StoreError ? error.hint : '`key` and `ca` of `fleet` name files on this host'
