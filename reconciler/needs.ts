import { type Needs } from './host.ts'
import { providerOf, type Providers } from './provider.ts'

export const NO_NEEDS: Needs = {
  features: [],
  properties: [],
  tags: [],
  usb: false,
  denied: false,
  slic: false,
}

/** What has to be read to know some settings, and what else is to be read beside them. */
export function needsOf(
  providers: Providers,
  paths: Iterable<string>,
  { features = [], properties = [] }: Partial<Pick<Needs, 'features' | 'properties'>> = {},
): Needs {
  const named = { feature: [...features], property: [...properties], tag: [] as string[] }
  const whole = { usb: false, denied: false, slic: false }
  for (const path of paths) {
    const need = providerOf(providers, path).need(path)
    if ('name' in need) named[need.kind].push(need.name)
    else whole[need.kind] = true
  }
  return {
    features: sortedOnce(named.feature),
    properties: sortedOnce(named.property),
    tags: sortedOnce(named.tag),
    ...whole,
  }
}

export function mergeNeeds(all: readonly Needs[]): Needs {
  return {
    features: sortedOnce(all.flatMap(({ features }) => features)),
    properties: sortedOnce(all.flatMap(({ properties }) => properties)),
    tags: sortedOnce(all.flatMap(({ tags }) => tags)),
    usb: all.some(({ usb }) => usb),
    denied: all.some(({ denied }) => denied),
    slic: all.some(({ slic }) => slic),
  }
}

/** Sorts names in place; each is left once. */
function sortedOnce(names: string[]): readonly string[] {
  if (names.length < 2) return names
  names.sort()
  return names.some((name, index) => name === names[index - 1]) ? [...new Set(names)] : names
}
