import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { type RolloutState, runController, type Store } from '../../fleet/index.ts'
import { type Io } from '../io.ts'
import { wantsColor } from '../options.ts'
import { rolloutLine } from '../views/rollout.ts'
import { makeStyle } from '../views/style.ts'
import { whoOf } from '../commands/apply.ts'
import { steadyClock } from './clock.ts'
import { type FleetFile, type FleetOptions } from './fleet-file.ts'
import { runDirectMembers } from './members.ts'

/** Without servers nobody waits for a lease that has run out but a second process here. */
const LOCAL_LEASE_MS = 3000
const LEASE_MS = 15_000

/**
 * A controller in this process, and the part of each host that is reached from here, until the signal fires or `enough` says so.
 * Any number of these may run: one is in charge, and the hosts that are reached from here are each one's own.
 */
export async function runHere(
  store: Store,
  file: FleetFile,
  options: FleetOptions,
  io: Io,
  enough: (state: RolloutState) => boolean,
): Promise<void> {
  const style = makeStyle(wantsColor(options, io, io.errIsTerminal), io.columns)
  const tell = (text: string): void => {
    if (options.json !== true) io.err(`${text}\n`)
  }
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
      if (level !== 'info' || options.verbose === true) tell(style.dim(`${who}: ${message}`))
    },
  })
  let last = ''
  const leading = runController({
    store,
    who: `${whoOf(io)} ${randomBytes(3).toString('hex')}`,
    leaseMs: file.fleet.servers === null ? LOCAL_LEASE_MS : LEASE_MS,
    say: (level, message) => {
      tell(level === 'info' ? style.dim(message) : message)
    },
    clock: steadyClock,
    signal: io.signal,
    onState: (state) => {
      const line = rolloutLine(state)
      if (line !== last) tell(line)
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
