import { type Memory } from '../../documents/agent/index.ts'

/**
 * What the agent has tried, and how often in vain, by `qube` or by `qube/path`: a correction that was undone, an apply that
 * failed, a restart that did not come about. Each further try waits twice as long.
 */
export type Attempts = Memory['corrections']

type Attempt = Attempts[string]

export interface Turn {
  /** Whether it may be tried now. */
  readonly now: boolean
  /** When it may be, ISO 8601. */
  readonly from: string
  /** How often it has been tried. */
  readonly times: number
}

const FIRST_MS = 60_000
const LONGEST_MS = 6 * 3600_000
const FORGOTTEN_MS = 3600_000

export function turnOf(attempts: Attempts, key: string, now: Date): Turn {
  const before = Object.hasOwn(attempts, key) ? attempts[key] : undefined
  if (before === undefined || isOver(before, now)) return { now: true, from: now.toISOString(), times: 0 }
  const from = Date.parse(before.last) + delayOf(before)
  return { now: now.getTime() >= from, from: new Date(from).toISOString(), times: before.times }
}

/** Attempts with further ones, and without those that came to something; what is long over is forgotten. */
export function counted(
  attempts: Attempts,
  tried: readonly string[],
  done: readonly string[],
  now: Date,
): Attempts {
  const next = new Map(Object.entries(attempts).filter(([, entry]) => !isOver(entry, now)))
  for (const key of done) next.delete(key)
  for (const key of tried) next.set(key, { times: (next.get(key)?.times ?? 0) + 1, last: now.toISOString() })
  return Object.fromEntries(next)
}

/** How long after the last one the next may come, in milliseconds. */
const delayOf = ({ times }: Attempt): number => Math.min(FIRST_MS * 2 ** (times - 1), LONGEST_MS)

/** One from the future is of a clock that has been set back since. */
function isOver(attempt: Attempt, now: Date): boolean {
  const ago = now.getTime() - Date.parse(attempt.last)
  return ago < 0 || ago > 2 * delayOf(attempt) + FORGOTTEN_MS
}
