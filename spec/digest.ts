import { createHash } from 'node:crypto'
import { type DesiredQube } from './desired-state.ts'

/** SHA-256 over the wanted settings. Places and the order of writing do not count. */
export function digestOf(name: string | null, qubes: ReadonlyMap<string, DesiredQube>): string {
  const hash = createHash('sha256').update(`{"name":${JSON.stringify(name)},"qubes":[`)
  // Qube by qube: the text of a thousand would be held as a whole, only to be thrown away.
  for (const [index, [qube, { settings, ensure }]] of sorted(qubes).entries()) {
    const wanted = [
      qube,
      sorted(settings).map(([path, { value }]) => [path, value]),
      ...(ensure === undefined ? [] : [ensure]),
    ]
    hash.update(`${index === 0 ? '' : ','}${JSON.stringify(wanted)}`)
  }
  return hash.update(']}').digest('hex')
}

export function sorted<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map.keys()].sort().map((key) => [key, map.get(key) as T])
}
