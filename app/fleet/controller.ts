import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { type RolloutState } from '../../documents/fleet/index.ts'
import { runController, type Store } from '../../fleet/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { type Say, steadyClock } from '../agent/index.ts'
import { type Context } from '../index.ts'
import { type FleetFile } from './fleet-file.ts'
import { runDirectMembers } from './members.ts'
import { withStore } from './open-store.ts'

/** Without servers only a second process here waits for a lease to run out. */
const LOCAL_LEASE_MS = 3000
const LEASE_MS = 15_000

export interface ControllerOptions {
  /** For hosts without an agent. */
  readonly policies: HostPolicies
  /** Told of the rollout whenever it may have changed; true ends it all. */
  readonly onRollout: (state: RolloutState) => boolean
  readonly say: Say
}

/**
 * A controller in this process, and the loop of each host without an agent, until the signal fires or `onRollout` says so. Any number
 * of these may run: one is in charge, and one keeps each of those hosts.
 */
export const runFleetController = (
  file: FleetFile,
  options: ControllerOptions,
  context: Context,
): Promise<void> => withStore(file, (store) => run(store, file, options, context))

async function run(
  store: Store,
  file: FleetFile,
  { policies, onRollout, say }: ControllerOptions,
  context: Context,
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  // Each host that is reached from here listens, and there may be many.
  setMaxListeners(0, context.signal, signal)
  const members = runDirectMembers(
    store,
    {
      ...{ file, policies, signal },
      say: (host, level, message, about) => {
        say(level === 'info' ? 'debug' : level, `${host}: ${message}`, about)
      },
    },
    context,
  )
  const leading = runController({
    store,
    who: `${context.actor} ${randomBytes(3).toString('hex')}`,
    leaseMs: file.fleet.servers === null ? LOCAL_LEASE_MS : LEASE_MS,
    say,
    clock: steadyClock,
    signal,
    onState: onRollout,
  })
  try {
    // Whichever fails, the other is not left behind.
    await Promise.race([leading, members])
    await leading
  } finally {
    stop.abort()
  }
  await members
}
