import { join } from 'node:path'
import { isSystemError, sayOfSystem } from '../../agent/index.ts'
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
  // Orders of another fleet have numbers and terms of their own.
  const file = join(folder, `member-${fleet.name}.json`)
  const aborted = whenAborted(signal)
  let tries = 0
  while (!signal.aborted) {
    try {
      const connecting = connectMember(fleet, name)
      const store = await Promise.race([connecting, aborted])
      if (store === null) {
        connecting.then((late) => late.close()).catch(() => undefined)
        return
      }
      say('info', `takes the orders of the fleet ${fleet.name}, as ${name}`)
      tries = 0
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
      tries += 1
      if (tries === 1)
        say('warn', `takes no orders of the fleet now: ${textOf(error)}`, { hint: hintOf(error) })
      await steadyClock.sleep(Math.min(RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS), signal)
    }
  }
}

const whenAborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    const over = (): void => {
      resolve(null)
    }
    if (signal.aborted) over()
    else signal.addEventListener('abort', over, { once: true })
  })

const textOf = (error: Error): string => (isSystemError(error) ? sayOfSystem(error).message : error.message)

const hintOf = (error: Error): string =>
  error instanceof StoreError
    ? error.hint
    : 'see to the file that it names: `key` and `ca` of `fleet` are such'
