import { type Memory } from '../../documents/agent/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type FleetAway } from './memory.ts'

/** Servers that are restarted, or a network that a laptop has not found yet, are no news. */
const PATIENCE_MS = 5 * 60_000

/** What is known of the fleet's servers once they were tried again. `trouble`: why in vain; null: they answer. Pure. */
export function fleetAwayNow(
  { fleetAway }: Pick<Memory, 'fleetAway'>,
  trouble: Problem | null,
  now: Date,
): FleetAway | null {
  if (trouble === null) return null
  const since = fleetAway?.since ?? now.toISOString()
  const isOld = now.getTime() - Date.parse(since) >= PATIENCE_MS
  return { ...trouble, since, lasts: fleetAway?.lasts === true || trouble.code !== AWAY || isOld }
}

/** What may be over by itself. */
const AWAY = 'store-unreachable'
