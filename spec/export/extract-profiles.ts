import { BUILT_IN_PROFILES } from '../read/index.ts'
import { type Sayings } from './body.ts'
import { type Choice } from './choose-profiles.ts'

export interface Factored {
  /** What several qubes have in common, by the name of their new profile. */
  readonly profiles: ReadonlyMap<string, Choice>
  readonly qubes: ReadonlyMap<string, Choice>
}

type Group = readonly (readonly [string, Choice])[]

interface Shared {
  readonly own: Sayings
  readonly members: Group
  /** Settings that need not be written. */
  readonly saved: number
}

const [MIN_QUBES, MIN_SHARED, MIN_SAVED] = [3, 3, 6]

/** Among more qubes than this, what two of them share is looked for in the first ones only. */
const MAX_SEEDS = 150

/** What several qubes of one built-in profile say alike becomes a profile of its own, where that clearly shortens. */
export function factor(choices: ReadonlyMap<string, Choice>): Factored {
  const profiles = new Map<string, Choice>()
  const qubes = new Map(choices)
  for (const profile of new Set([...choices.values()].map((choice) => choice.profile))) {
    let rest: Group = [...choices].filter(([, choice]) => choice.profile === profile)
    for (;;) {
      const shared = bestShared(rest, profile)
      if (shared === undefined) break
      const { own, members } = shared
      const name = nameFor(members, profile, profiles)
      profiles.set(name, { profile, own })
      for (const [qube, choice] of members) {
        qubes.set(qube, { profile: name, own: new Map([...choice.own].filter(([path]) => !own.has(path))) })
      }
      rest = rest.filter((one) => !members.includes(one))
    }
  }
  return { profiles, qubes }
}

/** Of all that two qubes say alike, what saves most with everybody who says it, too. */
function bestShared(group: Group, profile: string | null): Shared | undefined {
  const seeds = group.slice(0, MAX_SEEDS)
  const tried = new Set<string>()
  let best: Shared | undefined
  for (const [index, [, one]] of seeds.entries()) {
    for (const [, other] of seeds.slice(index + 1)) {
      const own = inBoth(one.own, other.own)
      const key = JSON.stringify([...own].sort(([a], [b]) => (a < b ? -1 : 1)))
      if (own.size < MIN_SHARED || tried.has(key)) continue
      tried.add(key)
      const members = group.filter(([, choice]) => inBoth(own, choice.own).size === own.size)
      const saved = (members.length - 1) * own.size - (profile === null ? members.length : 2)
      if (members.length < MIN_QUBES || saved < MIN_SAVED || saved <= (best?.saved ?? 0)) continue
      best = { own, members, saved }
    }
  }
  return best
}

/** Devices and activation are a matter of one qube. */
const inBoth = (a: Sayings, b: Sayings): Sayings =>
  new Map([...a].filter(([path, saying]) => !/^(?:usb|slic)\//.test(path) && same(saying, b.get(path))))

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** `lab` for lab-oem and lab-plotter, or what the profile is made from. */
function nameFor(members: Group, profile: string | null, taken: ReadonlyMap<string, Choice>): string {
  const [first = '', ...others] = members.map(([name]) => name)
  const words = first.split(/(?<=[-_.])/)
  const start = words.slice(0, -1).filter((_, index) => {
    const prefix = words.slice(0, index + 1).join('')
    return others.every((name) => name.startsWith(prefix))
  })
  const prefix = start.join('').slice(0, -1)
  const base = prefix.length > 1 ? prefix : profile === null ? 'common' : `${profile}-common`
  let name = base
  for (let n = 2; taken.has(name) || name in BUILT_IN_PROFILES; n += 1) name = `${base}-${n}`
  return name
}
