import { composer } from '../compose/index.ts'
import { builtInBodies, HOST_SLIC } from '../read/index.ts'
import { type Value } from '../vocabulary/index.ts'
import { type Sayings } from './body.ts'

/** Which profile fits a qube, and what is left to say in its own body. */
export interface Choice {
  readonly profile: string | null
  readonly own: Sayings
}

export interface Guess {
  readonly name: string
  /** Something besides the settings says that this is Windows. */
  readonly isWindows: boolean
}

/**
 * The built-in profile that leaves the least to say. What a profile sets and the qube has not is taken back, and counts
 * double: it is about something that is not there. A profile of another Windows than the name says is not used, however
 * short it would be: the next reader would believe it.
 */
export function chooseProfile(settings: ReadonlyMap<string, Value>, guess: Guess): Choice {
  let best = { cost: settings.size, choice: { profile: null, own: settings } as Choice }
  const tables = settings.get('slic/tables')
  const hasSlic = Array.isArray(tables) && tables.includes(HOST_SLIC)
  for (const profile of candidates(guess, hasSlic)) {
    const values = valuesOf(profile)
    const own = new Map<string, Value | { readonly unmanaged: true }>()
    for (const [path, value] of settings) if (!same(values.get(path), value)) own.set(path, value)
    const missing = [...values.keys()].filter((path) => !settings.has(path))
    for (const path of missing) own.set(path, { unmanaged: true })
    const cost = 1 + own.size + missing.length
    if (cost < best.cost) best = { cost, choice: { profile, own } }
  }
  return best.choice
}

/** Those that come first win where two leave as much to say. */
function candidates({ name, isWindows }: Guess, hasSlic: boolean): readonly string[] {
  if (!isWindows) return ['hvm']
  // Nothing later than Windows 7 looks for SLIC.
  const version = versionIn(name) ?? (hasSlic ? '7' : undefined)
  return version === undefined
    ? ['hvm', 'windows-10', 'windows-11', 'windows-7']
    : ['hvm', `windows-${version}`]
}

const versionIn = (name: string): string | undefined =>
  /w(?:in(?:dows)?)?[-_.]?(7|10|11)(?![0-9])/i.exec(name)?.[1]

function valuesOf(profile: string): ReadonlyMap<string, Value> {
  const body = builtInBodies().get(profile)
  if (body === undefined) throw new Error(`${profile} is no built-in profile`)
  const { statements } = composer(new Map(), true, () => undefined)(body)
  const values = [...statements].flatMap(([path, { value }]): [string, Value][] =>
    value === undefined || value === null ? [] : [[path, value]],
  )
  return new Map(values)
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
