import { type DesiredState } from '../../spec/index.ts'
import { type Rename } from '../plan/index.ts'
import { type HostQube } from '../ports/index.ts'

/** What the lines under `moved` come to on one host. */
export interface Moves {
  /** Names that no qube has any more, each with the name of the qube that has its place. */
  readonly renames: readonly Rename[]
  /** Names that a qube had before, the last first. */
  readonly formerNamesOf: (qube: string) => readonly string[]
  /** The name of these that a qube of the host still has. */
  readonly stillThere: (qube: string) => string | undefined
  /** Whether a line says that a qube has another name by now: it is named, and nothing of it is withdrawn. */
  readonly isRenamed: (qube: string) => boolean
}

export function movesOn({ moved = [] }: DesiredState, qubes: readonly HostQube[]): Moves {
  const there = new Set(qubes.map(({ name }) => name))
  const next = new Map(moved.map(({ from, to }) => [from, to]))
  const last = new Map(moved.map(({ from, to }) => [to, from]))
  const renames = [...next.keys()].flatMap((from) => {
    const to = along(from, next, (name) => there.has(name)).at(-1)
    return there.has(from) || to === undefined || !there.has(to) ? [] : [{ from, to }]
  })
  const formerNamesOf = (qube: string): readonly string[] => along(qube, last, () => false)
  return {
    renames,
    formerNamesOf,
    stillThere: (qube) => formerNamesOf(qube).find((name) => there.has(name)),
    isRenamed: (qube) => next.has(qube),
  }
}

/** The names that follow one, to the end of the chain, or to the first that ends it. A spec has no circles. */
function along(
  name: string,
  chain: ReadonlyMap<string, string>,
  ends: (name: string) => boolean,
): readonly string[] {
  const found: string[] = []
  for (let at = chain.get(name); at !== undefined; at = chain.get(at)) {
    found.push(at)
    if (ends(at)) break
  }
  return found
}

/** The line to write for a qube that has another name. */
export const moveLine = ({ from, to }: Rename): string => `\`moved: [{ from: ${from}, to: ${to} }]\``
