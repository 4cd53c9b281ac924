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
  const [ofFeatures, ofProperties, tags] = [[...features], [...properties], [] as string[]]
  let [usb, denied, slic] = [false, false, false]
  for (const path of paths) {
    const need = providerOf(providers, path).need(path)
    switch (need.kind) {
      case 'feature':
        ofFeatures.push(need.name)
        break
      case 'property':
        ofProperties.push(need.name)
        break
      case 'tag':
        tags.push(need.name)
        break
      case 'usb':
        usb = true
        break
      case 'denied':
        denied = true
        break
      case 'slic':
        slic = true
        break
    }
  }
  return {
    features: sortedOnce(ofFeatures),
    properties: sortedOnce(ofProperties),
    tags: sortedOnce(tags),
    usb,
    denied,
    slic,
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
