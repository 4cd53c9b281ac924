import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { whoOf } from '../../cli/commands/apply.ts'
import { type Io } from '../../cli/io.ts'
import { rolloutLine } from '../../cli/views/rollout.ts'
import { type RolloutState, runController, type Store } from '../../fleet/index.ts'
import { steadyClock } from './clock.ts'
import { type FleetFile, type FleetOptions } from './fleet-file.ts'
import { runDirectMembers } from './members.ts'

/** Without servers nobody waits for a lease that has run out but a second process here. */
const LOCAL_LEASE_MS = 3000
const LEASE_MS = 15_000

export interface Telling {
  /** Told of the rollout whenever it may have changed; true ends it all. */
  readonly enough: (state: RolloutState) => boolean
  readonly say: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void
}

/** For who sits before it. */
export const tellPlainly =
  (options: FleetOptions, io: Io): Telling['say'] =>
  (level, message) => {
    if (options.json !== true && (level !== 'debug' || options.verbose === true)) io.err(`${message}\n`)
  }

/**
 * A controller in this process, and the part of each host that is reached from here, until the signal fires or `enough` says so.
 * Any number of these may run: one is in charge, and the hosts that are reached from here are each one's own.
 */
export async function runHere(
  store: Store,
  file: FleetFile,
  options: FleetOptions,
  io: Io,
  { enough, say }: Telling,
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([io.signal, stop.signal])
  // Each host that is reached from here listens, and there may be many.
  setMaxListeners(0, io.signal, signal)
  const members = runDirectMembers(store, {
    file,
    options,
    io,
    signal,
    say: (who, level, message) => {
      say(level === 'info' ? 'debug' : level, `${who}: ${message}`)
    },
  })
  let last = ''
  const leading = runController({
    store,
    who: `${whoOf(io)} ${randomBytes(3).toString('hex')}`,
    leaseMs: file.fleet.servers === null ? LOCAL_LEASE_MS : LEASE_MS,
    say,
    clock: steadyClock,
    signal: io.signal,
    onState: (state) => {
      const line = rolloutLine(state)
      if (line !== last) say('info', line)
      last = line
      return enough(state)
    },
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
