import { globMatches } from '../compose/index.ts'
import { entriesOf, itemsOf, numberOf, textOf } from '../read/index.ts'
import { get, type Written } from '../yaml/index.ts'
import { type Amount, type FleetHost, type HostMatch, type SpecPath } from './model.ts'

/** Texts with their places: paths, and names to look up. */
export const placedTexts = (written: Written | undefined): readonly SpecPath[] =>
  itemsOf(written).flatMap((item) =>
    item.kind === 'text' ? [{ path: item.value, position: item.position }] : [],
  )

export function percentOf(written: Written | undefined): number | null {
  const text = textOf(written)
  return text === null ? null : Number(text.replace('%', ''))
}

export function amountOf(written: Written | undefined): Amount | null {
  const count = numberOf(written)
  if (count !== null) return { count }
  const percent = percentOf(written)
  return percent === null ? null : { percent }
}

export function matchOf(written: Written | undefined): HostMatch | null {
  if (written?.kind !== 'map') return null
  const labels = [...entriesOf(get(written, 'labels'))].flatMap(([key, value]) => {
    const text = textOf(value)
    return text === null ? [] : [[key, text] as const]
  })
  return { labels: new Map(labels), name: textOf(get(written, 'name')), group: textOf(get(written, 'group')) }
}

/** Whether a host meets all conditions. */
export function hostMatches(match: HostMatch, host: Pick<FleetHost, 'name' | 'labels' | 'groups'>): boolean {
  return (
    [...match.labels].every(([key, value]) => host.labels.get(key) === value) &&
    (match.name === null || globMatches(match.name, host.name)) &&
    (match.group === null || host.groups.includes(match.group))
  )
}
