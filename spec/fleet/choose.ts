import { type Amount, type Choice, type Fleet, type FleetHost, type RolloutSpec } from './model.ts'
import { hostMatches } from './read-parts.ts'

/** A wave with its hosts, and with numbers for percentages. */
export interface ChosenWave {
  readonly name: string
  readonly hosts: readonly string[]
  readonly maxUnavailable: number
  /** Failures allowed in this wave alone, and over all waves. */
  readonly maxFailures: { readonly wave: number | null; readonly total: number | null }
  readonly soakMs: number
  readonly approval: boolean
}

/** Hosts of each wave, in the order in which the fleet declares them; each host is in one wave at most. */
export function chooseWaves(rollout: RolloutSpec, fleet: Fleet): readonly ChosenWave[] {
  const taken = new Set<string>()
  return rollout.waves.map(({ name, choice, maxUnavailable, maxFailures, soakMs, approval }) => {
    const free = [...fleet.hosts.values()].filter((host) => !taken.has(host.name))
    const hosts = chosen(choice, free, fleet.hosts.size)
    for (const host of hosts) taken.add(host)
    return {
      name,
      hosts,
      maxUnavailable: Math.max(1, numberOf(maxUnavailable, hosts.length)),
      maxFailures: {
        wave: maxFailures.percent === null ? null : numberOf({ percent: maxFailures.percent }, hosts.length),
        total: maxFailures.count,
      },
      soakMs,
      approval,
    }
  })
}

function chosen(
  { hosts, match, amount }: Choice,
  free: readonly FleetHost[],
  all: number,
): readonly string[] {
  const meant = free
    .filter(({ name }) => hosts === null || hosts.some(({ path }) => path === name))
    .filter((host) => match === null || hostMatches(match, host))
    .map(({ name }) => name)
  if (amount === null) return meant
  // A percentage that is to reach somebody reaches one at least.
  const wanted = 'count' in amount ? amount.count : Math.max(1, numberOf(amount, all))
  return meant.slice(0, wanted)
}

/** Percentages are rounded down: fewer at once, fewer failures. */
const numberOf = (amount: Amount, of: number): number =>
  'count' in amount ? amount.count : Math.floor((amount.percent * of) / 100)
