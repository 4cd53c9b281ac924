import { type DesiredQube, type Selection, type Selections } from '../../spec/index.ts'
import { type OwnershipRecord } from './record.ts'

/** What `select` entries have to do with what is owned on a qube. */
export interface Membership {
  /**
   * By path, the entry that gave an owned setting and would give it still, had the host not changed. It is drift: only a commit
   * withdraws.
   */
  readonly unmatched: ReadonlyMap<string, Selection>
  /** Tags that the host may still have, and that the qube loses with the withdrawal of what nothing gives any more. */
  readonly leaving: ReadonlySet<string>
  /** What the receipt is to keep: digests of the entries that match, and of those that did for what is unmatched. */
  readonly matched: readonly string[]
}

/**
 * Judges the owned settings that the spec does not name. `before`: digests of the entries that gave them, as the receipt has it. An
 * entry of the spec that is among them, and does not match now, has lost the qube to the host; unless it asks for a tag that the spec
 * itself gave, and does not any more.
 */
export function membershipOf(
  declared: DesiredQube | null,
  { set, originals }: Pick<OwnershipRecord, 'set' | 'originals'>,
  before: readonly string[],
  { entries, tags }: Selections,
): Membership {
  const known = entries.filter(({ digest }) => before.includes(digest))
  const isNamed = (path: string): boolean =>
    declared?.settings.has(path) === true || declared?.unmanaged?.has(path) === true
  const lostBy = (path: string, asked: readonly string[] = []): Selection | undefined =>
    known.find((entry) => entry.gives(path) && isLostToHost(entry, [...asked, path]))
  const isLostToHost = ({ tag }: Selection, asked: readonly string[]): boolean => {
    if (tag === null) return true
    const path = pathOf(tag)
    if (declared?.settings.has(path) === true) return declared.settings.get(path)?.value === true
    // What gave the tag decides. One that gave it itself has lost it to the host.
    return !set.has(path) || asked.includes(path) || lostBy(path, asked) !== undefined
  }
  const unnamed = [...set.keys()].filter((path) => !isNamed(path))
  const unmatched = new Map(
    unnamed.flatMap((path) => {
      const entry = lostBy(path)
      return entry === undefined ? [] : [[path, entry] as const]
    }),
  )
  // A tag that was there before qstate stays on the host, and so do those of which that is not known.
  const leaving = tags.filter((tag) => {
    const path = pathOf(tag)
    return set.has(path) && !isNamed(path) && !unmatched.has(path) && originals.get(path) === null
  })
  const kept = [...unmatched.values()].map(({ digest }) => digest)
  const matched = [...new Set([...(declared?.matched ?? []), ...kept])].sort()
  return { unmatched, leaving: new Set(leaving), matched }
}

const pathOf = (tag: string): string => `tags/${tag}`

/** Why an entry does not match any more. */
export const whyUnmatched = ({ tag }: Selection): string =>
  `no longer matched: ${tag === null ? 'its name or class is another' : `tag ${tag} is gone`}`
