import { type ChosenWave } from '../../../spec/fleet/choose.ts'
import { type RolloutSpec } from '../../../spec/fleet/model.ts'
import { type Random } from '../../fuzz/random.ts'
import { type Commit } from './host.ts'

export const OLD = 'a'.repeat(40)
export const NEW = 'b'.repeat(40)

const MINUTE = 60_000

export interface Scenario {
  readonly hosts: readonly string[]
  readonly waves: readonly ChosenWave[]
  readonly spec: RolloutSpec
  readonly commits: ReadonlyMap<string, Commit>
  readonly controllers: number
  /** How often something goes wrong, in 50,000 events. */
  readonly trouble: number
  readonly lost: number
  readonly doubled: number
  /** How long things go wrong. */
  readonly forMs: number
  /** Whether people meddle. */
  readonly meddling: boolean
}

export function makeScenario(random: Random): Scenario {
  const below = (n: number): number => random.below(n)
  const pick = <T>(items: readonly T[]): T => random.pick(items)
  const hosts = Array.from({ length: 1 + below(7) }, (_, index) => `h${index}`)
  const waves = cut(hosts, random).map((names, index): ChosenWave => ({
    name: index === 0 ? 'canary' : `wave-${index}`,
    hosts: names,
    maxUnavailable: 1 + below(3),
    maxFailures: {
      total: pick([0, 0, 1, 2, null]),
      wave: pick([null, null, 0, 1]),
    },
    soakMs: pick([0, 0, 5, 15]) * MINUTE,
    approval: index > 0 && below(6) === 0,
  }))
  const some = (chance: number): ReadonlySet<string> => new Set(hosts.filter(() => below(100) < chance))
  const isBad = below(3) === 0
  const fresh: Commit = {
    id: NEW,
    signed: below(10) > 0,
    failsOn: some(isBad ? 50 : 3),
    driftsOn: some(isBad ? 30 : 3),
    silences: some(isBad && below(2) === 0 ? 40 : 0),
  }
  const none: ReadonlySet<string> = new Set()
  const old: Commit = { id: OLD, signed: true, failsOn: none, driftsOn: none, silences: none }
  const spec: RolloutSpec = {
    name: 'simulated',
    revision: 'main',
    waves: [],
    health: { drift: 0, running: [], pendingRestarts: null, check: null },
    away: { afterMs: pick([8, 20, 60]) * MINUTE, then: pick(['wait', 'skip', 'later']) },
    deadlineMs: pick([null, null, 90 * MINUTE]),
    rollback: below(4) > 0,
  }
  return {
    hosts,
    waves,
    spec,
    commits: new Map([old, fresh].map((commit) => [commit.id, commit])),
    controllers: 1 + below(3),
    trouble: pick([0, 40, 150, 400]),
    lost: pick([0, 0, 2, 15]),
    doubled: pick([0, 5, 20]),
    forMs: (20 + below(100)) * MINUTE,
    meddling: below(4) === 0,
  }
}

function cut(hosts: readonly string[], random: Random): readonly (readonly string[])[] {
  const waves: string[][] = [[]]
  for (const host of hosts) {
    if (random.below(3) === 0) waves.push([])
    waves.at(-1)!.push(host)
  }
  return waves
}
