import { located, problem, type Problem, quote } from '../diagnostics/index.ts'
import { type Composed, type Manifest, type Placed } from '../read/index.ts'
import { type HostFacts } from '../vocabulary/index.ts'
import { matches } from './select.ts'

type HostQube = HostFacts['qubes'][number]
type Selector = Manifest['selectors'][number]

/**
 * The `select` entries that match a qube with the tags that it will have: those of the host, and what the spec says of them under the
 * name of the qube and in entries that match it. So one apply is enough, and a second one finds the same entries.
 *
 * An entry may match because of what another one gives. Each round follows one more step of such a chain. A chain has no more
 * steps than there are tags; what still moves then depends on itself.
 */
export function selectorsOf(
  qube: HostQube,
  manifest: Manifest,
): { readonly selectors: readonly Selector[]; readonly cycle?: Problem } {
  const { selectors, selects } = manifest
  if (selectors.length === 0) return { selectors }
  const own = manifest.qubes.get(qube.name)
  let found = matchingWith(qube, [], own, manifest)
  for (let round = 0; round <= selects.tags.length; round += 1) {
    const next = matchingWith(qube, found, own, manifest)
    const moved = next.find((one) => !found.includes(one)) ?? found.find((one) => !next.includes(one))
    if (moved === undefined) return { selectors: found }
    if (round === selects.tags.length)
      return { selectors: [], cycle: located(dependsOnItself(qube.name), moved.position) }
    found = next
  }
  return { selectors: found }
}

/** Those that match once the entries that were found so far have given their tags. */
function matchingWith(
  qube: HostQube,
  found: readonly Selector[],
  own: Placed | undefined,
  { selectors, selects }: Manifest,
): readonly Selector[] {
  const layers = [...found, ...(own === undefined ? [] : [own])].map(({ composed }) => composed)
  const tags = new Set(selects.tags.filter((tag) => saidOf(tag, layers) ?? qube.tags.has(tag)))
  return selectors.filter(({ match }) => matches(match, { ...qube, tags }))
}

/** What the last of some bodies says of a tag; undefined: none says anything, or that it is left as it is. */
function saidOf(tag: string, layers: readonly Composed[]): boolean | undefined {
  const said = layers.findLast(({ statements }) => statements.has(`tags/${tag}`))
  const value = said?.statements.get(`tags/${tag}`)?.value
  return value === undefined ? undefined : value === true
}

const dependsOnItself = (qube: string): ReturnType<typeof problem> =>
  problem(
    'selector-cycle',
    `whether this selector matches ${quote(qube)} depends on itself: it gives or takes a tag that decides it`,
    'match by name or class, or give the tag under qubes',
  )
