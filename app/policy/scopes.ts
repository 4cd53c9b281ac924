import { type HostQube } from '../../reconciler/index.ts'
import {
  type DesiredQube,
  type DesiredState,
  type HostFacts,
  type Manifest,
  resolve,
  SLIC_TABLES,
} from '../../spec/index.ts'
import { type LoadedSpec } from '../source/index.ts'
import { type Scope } from './rules.ts'

type Selector = Manifest['selectors'][number]

/** Tags and classes are targets of their own; a name pattern, and SLIC, go by the names that there are. */
const byName = ({ match }: Selector): boolean => match.tag === null && match.klass === null

const hasSlic = (manifest: Manifest, selector: Selector): boolean =>
  matched(manifest, selector)?.settings.has(SLIC_TABLES) === true

/** Whether names of qubes have to be known that the spec does not say. */
export const needsNames = (manifest: Manifest): boolean =>
  manifest.selectors.some((selector) => byName(selector) || hasSlic(manifest, selector))

/** The qubes of a spec, by name and by selector. `qubes`: those of the host; null where none was asked. */
export const scopesOf = (
  { manifest }: Pick<LoadedSpec, 'manifest'>,
  qubes: readonly HostQube[] | null,
): readonly Scope[] => [...namedScopes(manifest, qubes), ...selectorScopes(manifest, qubes)]

/** What is wrong on a host takes no call. */
const desiredOf = (manifest: Manifest, qubes: HostFacts['qubes']): DesiredState =>
  resolve(manifest, { qubes }).desired

/** With what selectors add by tags that the spec gives: a line for the tag does not count before the qube has it. */
function namedScopes(manifest: Manifest, known: readonly HostQube[] | null): readonly Scope[] {
  const selectors = manifest.selectors.filter(({ match }) => match.tag !== null)
  const facts = [...manifest.qubes.keys()].map((name) => {
    const klass = known?.find((qube) => qube.name === name)?.klass ?? 'StandaloneVM'
    return { name, klass, tags: new Set<string>() }
  })
  const { qubes } = desiredOf({ ...manifest, selectors }, facts)
  return [...qubes.values()].map((qube) => scopeOf(qube, qube.name, [qube.name]))
}

const scopeOf = (qube: DesiredQube | undefined, target: string, names: Scope['names']): Scope => ({
  target,
  names,
  settings: new Map([...(qube?.settings.values() ?? [])].map(({ path, value }) => [path, value])),
  ensure: qube?.ensure ?? null,
  // One that waits until it is halted restarts nothing.
  restarts: !['never', 'idle-halted'].some((word) => word === (qube?.restart ?? 'never')),
})

/** A selector by itself, on qubes that match it: what other selectors or names add has lines of its own. */
function selectorScopes(manifest: Manifest, qubes: readonly HostQube[] | null): readonly Scope[] {
  return manifest.selectors.flatMap((selector): Scope[] => {
    const alone = { ...manifest, qubes: new Map(), selectors: [selector] }
    const { tag, klass } = selector.match
    const candidates = (qubes ?? []).map(({ name, klass: of }) => ({
      name,
      klass: of,
      tags: tagsOf(selector),
    }))
    if (byName(selector)) {
      const found = desiredOf(alone, candidates).qubes.values()
      return [...found].map((qube) => scopeOf(qube, qube.name, [qube.name]))
    }
    const names = qubes === null ? null : [...desiredOf(alone, candidates).qubes.keys()]
    const target = tag === null ? `@type:${klass ?? ''}` : `@tag:${tag}`
    return [scopeOf(matched(manifest, selector), target, names)]
  })
}

const tagsOf = ({ match }: Selector): ReadonlySet<string> => new Set(match.tag === null ? [] : [match.tag])

/** What a selector, by itself, makes of a qube that it matches. */
function matched(manifest: Manifest, selector: Selector): DesiredQube | undefined {
  const { name, klass } = selector.match
  const qube = {
    name: (name ?? 'q').replaceAll(/[*?]/g, 'q'),
    klass: klass ?? 'AppVM',
    tags: tagsOf(selector),
  }
  const alone = { ...manifest, qubes: new Map(), selectors: [selector] }
  return desiredOf(alone, [qube]).qubes.get(qube.name)
}
