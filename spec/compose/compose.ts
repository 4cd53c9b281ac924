import { errorAt, problem, quote, type Report, type SourceRange, suggest } from '../diagnostics/index.ts'
import {
  type Body,
  builtInBodies,
  type Composed,
  type DriftStatements,
  type EnsureStatement,
  NO_DRIFT,
  type ProfileUse,
  type Statement,
  type Statements,
} from '../read/index.ts'
import { type RestartPolicy, sorted } from '../vocabulary/index.ts'

interface Layers extends Composed {
  statements: Statements
  builtIns: ReadonlySet<string>
  drift: DriftStatements
  restart: RestartPolicy | null
  ensure: EnsureStatement | null
  complete: boolean
  /** How many profiles stand on top of each other. */
  depth: number
}

export type Compose = (body: Body) => Composed

const MAX_DEPTH = 32

/** Settings that profiles may bring to all bodies together: a large profile in thousands of qubes is a bomb, too. */
const MAX_SETTINGS = 500_000

/** Lays profiles on top of each other: later ones win, and a body wins over what it extends. Each is composed once. */
export function composer(profiles: ReadonlyMap<string, Body>, allRead: boolean, report: Report): Compose {
  const done = new Map<string, Layers | null>()
  /** Profiles being composed, from the outermost: how a profile came to extend itself. */
  const open: string[] = []
  let brought = 0

  const composeUse = (use: ProfileUse): Layers => {
    const { profile, position } = use
    const builtIn = builtInBodies().get(profile)
    const body = builtIn ?? profiles.get(profile)
    const known = done.get(profile)
    if (body === undefined) {
      if (allRead) report(errorAt(position, unknownProfile(profile, profiles)))
      return NOTHING()
    }
    if (known === null) {
      const loop = [...open.slice(open.indexOf(profile)), profile]
      report(errorAt(position, extendsItself(loop)))
      return NOTHING()
    }
    if (known !== undefined && known.depth <= MAX_DEPTH)
      return builtIn ? placedAt(known, profile, position) : known
    if (known !== undefined || open.length > MAX_DEPTH) {
      report(errorAt(position, TOO_DEEP))
      return NOTHING()
    }
    done.set(profile, null)
    open.push(profile)
    const layers = composeBody(body)
    open.pop()
    done.set(profile, layers)
    return builtIn ? placedAt(layers, profile, position) : layers
  }

  const composeBody = (body: Body): Layers => {
    const layers = NOTHING(body.complete)
    const parts: Statements[] = []
    for (const use of body.extends) {
      const below = composeUse(use)
      brought += below.statements.size
      if (brought > MAX_SETTINGS) {
        report(errorAt(use.position, TOO_MANY))
        layers.complete = false
        return layers
      }
      layers.depth = Math.max(layers.depth, below.depth + 1)
      addLayer(layers, below)
      parts.push(below.statements)
    }
    layers.statements = laidTogether([...parts, body.statements])
    layers.drift = driftOver(layers.drift, body.drift)
    layers.restart = body.restart ?? layers.restart
    layers.ensure = body.ensure ?? layers.ensure
    return layers
  }

  return composeBody
}

/** Composed bodies on top of each other, the last one wins. */
export function layOver(parts: readonly Composed[]): Composed {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const layers = NOTHING(true)
  for (const part of parts) addLayer(layers, part)
  layers.statements = laidTogether(parts.map(({ statements }) => statements))
  return layers
}

/** All but the statements. */
function addLayer(layers: Layers, over: Composed): void {
  layers.builtIns = united(layers.builtIns, over.builtIns)
  layers.drift = driftOver(layers.drift, over.drift)
  layers.restart = over.restart ?? layers.restart
  layers.ensure = over.ensure ?? layers.ensure
  if (!over.complete) layers.complete = false
}

/** Mostly there are two: a profile, and what a qube says itself. Thousands of parts are put in order once. */
function laidTogether(parts: readonly Statements[]): Statements {
  const [first = NO_STATEMENTS, second = NO_STATEMENTS] = parts
  if (parts.length <= 2) return laidOver(first, second)
  const all = new Map<string, Statement>()
  for (const part of parts) part.forEach((statement, path) => all.set(path, statement))
  return new Map(sorted(all))
}

/** Both are in the order of the paths, and so is what comes of them: thousands of qubes are composed, and none is sorted. */
function laidOver(under: Statements, over: Statements): Statements {
  if (under.size === 0 || over.size === 0) return under.size === 0 ? over : under
  const laid = new Map<string, Statement>()
  const more = [...over.values()]
  let next = 0
  const layBefore = (path: string): void => {
    for (let own = more[next]; own !== undefined && own.path < path; own = more[next]) {
      laid.set(own.path, own)
      next += 1
    }
  }
  under.forEach((statement, path) => {
    layBefore(path)
    if (more[next]?.path !== path) laid.set(path, statement)
  })
  for (const own of more.slice(next)) laid.set(own.path, own)
  return laid
}

const united = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> =>
  a.size === 0 ? b : b.size === 0 ? a : new Set([...a, ...b])

const driftOver = (under: DriftStatements, over: DriftStatements): DriftStatements =>
  under.size === 0 ? over : over.size === 0 ? under : new Map([...under, ...over])

const NO_BUILT_INS: ReadonlySet<string> = new Set()
const NO_STATEMENTS: Statements = new Map()

const NOTHING = (complete = false): Layers => ({
  statements: NO_STATEMENTS,
  builtIns: NO_BUILT_INS,
  drift: NO_DRIFT,
  restart: null,
  ensure: null,
  complete,
  depth: 0,
})

/** A built-in profile stands in no file: its values are said where it is extended. */
function placedAt(
  { statements, complete, depth, drift, restart, ensure }: Layers,
  name: string,
  position: SourceRange,
): Layers {
  const placed = new Map<string, Statement>()
  statements.forEach(({ area, path, value }) => placed.set(path, { area, path, value, position }))
  return { statements: placed, builtIns: new Set([name]), drift, restart, ensure, complete, depth }
}

function unknownProfile(name: string, profiles: ReadonlyMap<string, Body>): ReturnType<typeof problem> {
  const known = [...profiles.keys(), ...builtInBodies().keys()]
  return problem(
    'unknown-profile',
    `unknown profile ${quote(name)}`,
    suggest(name, known, 'declare it under profiles'),
  )
}

const extendsItself = (loop: readonly string[]): ReturnType<typeof problem> =>
  problem(
    'profile-cycle',
    `the profile ${quote(loop[0] ?? '')} extends itself`,
    loop.length > 12 ? 'follow its extends' : `by way of ${loop.map((name) => quote(name)).join(', ')}`,
  )

const TOO_MANY = problem(
  'too-large',
  `profiles bring more than ${MAX_SETTINGS} settings to all qubes together`,
  'no configuration needs this many',
)

const TOO_DEEP = problem(
  'extends-too-deep',
  `more than ${MAX_DEPTH} profiles extend one another`,
  'a list of profiles is easier to follow',
)
