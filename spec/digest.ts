import { createHash } from 'node:crypto'
import { type DesiredQube } from './desired-state.ts'

/** SHA-256 over the wanted settings. Places and the order of writing do not count. */
export function digestOf(name: string | null, qubes: ReadonlyMap<string, DesiredQube>): string {
  const wanted = sorted(qubes).map(([qube, { settings, ensure }]) => [
    qube,
    sorted(settings).map(([path, { value }]) => [path, value]),
    ...(ensure === undefined ? [] : [ensure]),
  ])
  return createHash('sha256')
    .update(JSON.stringify({ name, qubes: wanted }))
    .digest('hex')
}

export function sorted<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
