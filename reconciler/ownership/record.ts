import { RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { type HostCall, sameValue } from '../ports/index.ts'

/**
 * The ownership record: what qstate has set on a qube, and what was there before, kept on that qube in one feature, so that
 * the record goes where the qube goes.
 *
 * It is written after withdrawals and before values are set, so that at no moment something of ours is set and not
 * recorded: a crash leaves a value recorded and not set (the next run sets it), or recorded and already back to what it was
 * (the next run drops it).
 */
export interface OwnershipRecord {
  /** Version 1 knows no originals. Written is version 2 alone, with the next record that has to be written anyway. */
  readonly version: 1 | 2
  readonly uuid: string
  /** The configuration's name, where it has one. */
  readonly name: string | null
  readonly commit: string | null
  /** ISO 8601. */
  readonly at: string
  /** The installation of qstate that wrote it: for people, and never believed. */
  readonly by: string | null
  /** Last applied, by path; `null` is "wanted absent". */
  readonly set: ReadonlyMap<string, Value | null>
  /**
   * By path, what was there when the setting came into the record; `null` is absent. A setting that is not here has no
   * original: it was set while qstate created the qube, or it comes from a record of version 1.
   */
  readonly originals: ReadonlyMap<string, Value | null>
  /** Paths that were given once, and are the user's since. */
  readonly once: ReadonlySet<string>
  readonly waits: Waits | null
  /** Keys that this version does not know. They are kept as they are: what changes the meaning of others has another `v`. */
  readonly extra: Readonly<Record<string, unknown>>
}

/**
 * Settings changed while the qube ran, which count at its next start. They wait for as long as the qube still runs
 * since `start`: another start time, or none, and they count. So no clock is compared, and nothing has to be cleared.
 */
export interface Waits {
  /** Property `start_time` as qubesd gave it. */
  readonly start: string
  readonly paths: readonly string[]
  /** What they were before the first change since then, as far as that is known: set back to it, nothing waits. */
  readonly from: ReadonlyMap<string, Value | null>
}

/** A request holds 65,536 bytes, method and names among them. */
const MAX_RECORD_LENGTH = 60_000

export const recordTooLong = (text: string): boolean => text.length > MAX_RECORD_LENGTH

/**
 * One line of printable ASCII, keys sorted: equal records are equal texts. Originals name their settings by place in `set`, so
 * that no path stands there twice, and those that are exactly what was last applied are left out. `set` is last: a
 * settled qube is told by it (`holdsValues`).
 */
export function formatRecord(record: OwnershipRecord): string {
  const { uuid, name, commit, at, by, waits, extra } = record
  const paths = [...record.set.keys()].sort()
  const json = {
    v: 2,
    uuid,
    ...(name === null ? {} : { name }),
    ...(commit === null ? {} : { commit }),
    at,
    ...(by === null ? {} : { by }),
    ...extra,
    ...(waits === null ? {} : { waits: formatWaits(waits) }),
    ...formatOnce(record, paths),
    ...formatOriginals(record, paths),
    set: sorted(record.set),
  }
  return JSON.stringify(json).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function formatOnce(
  { once }: OwnershipRecord,
  paths: readonly string[],
): { readonly once?: readonly number[] } {
  const places = paths.flatMap((path, place) => (once.has(path) ? [place] : []))
  return places.length === 0 ? {} : { once: places }
}

function formatOriginals(
  { set, originals }: OwnershipRecord,
  paths: readonly string[],
): { readonly free?: readonly number[]; readonly orig?: Readonly<Record<string, Value | null>> } {
  const free: number[] = []
  const orig: Record<string, Value | null> = {}
  for (const [place, path] of paths.entries()) {
    const original = originals.get(path)
    if (original === undefined) free.push(place)
    else if (JSON.stringify(original) !== JSON.stringify(set.get(path))) orig[place] = original
  }
  return { ...(free.length === 0 ? {} : { free }), ...(Object.keys(orig).length === 0 ? {} : { orig }) }
}

const formatWaits = ({ start, paths, from }: Waits): Record<string, unknown> => ({
  start,
  paths,
  ...(from.size === 0 ? {} : { from: sorted(from) }),
})

/** Whether a record says all that another would, but for who wrote it and when: if so, there is nothing to write. */
export function sameOwnership(a: OwnershipRecord, b: OwnershipRecord): boolean {
  if (a.name !== b.name || a.uuid !== b.uuid) return false
  const isOnce = a.once.size === b.once.size && [...a.once].every((path) => b.once.has(path))
  return sameMap(a.set, b.set) && sameMap(a.originals, b.originals) && isOnce && saysWaits(a, b)
}

/** Whether a record owns nothing. It is kept only of a qube that qstate has created, and says just that. */
export const isEmptyRecord = ({ set, waits, extra }: OwnershipRecord): boolean =>
  set.size === 0 && waits === null && Object.keys(extra).length === 0

/** What waits in `b` waits in `a` already. That `a` names settings which count by now harms nobody. */
function saysWaits(a: OwnershipRecord, b: OwnershipRecord): boolean {
  if (b.waits === null) return true
  const { start, paths } = b.waits
  return a.waits?.start === start && paths.every((path) => a.waits?.paths.includes(path))
}

/** What a record is to say of each path. */
export interface Entries {
  readonly set: Map<string, Value | null>
  readonly originals: Map<string, Value | null>
  readonly once: Set<string>
}

/** Has one path as a record has it, or not at all. */
export function restorePath(into: Entries, from: OwnershipRecord | null | undefined, path: string): void {
  restoreEntry(into.set, from?.set, path)
  restoreEntry(into.originals, from?.originals, path)
  if (from?.once.has(path) === true) into.once.add(path)
  else into.once.delete(path)
}

export function restoreEntry(
  into: Map<string, Value | null>,
  from: ReadonlyMap<string, Value | null> | undefined,
  path: string,
): void {
  const value = from?.get(path)
  if (value === undefined) into.delete(path)
  else into.set(path, value)
}

function sameMap(a: ReadonlyMap<string, Value | null>, b: ReadonlyMap<string, Value | null>): boolean {
  if (a.size !== b.size) return false
  for (const [path, value] of a) {
    const other = b.get(path)
    if (other === undefined || !sameValue(value, other)) return false
  }
  return true
}

const sorted = (map: ReadonlyMap<string, Value | null>): Record<string, Value | null> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

/** The call that puts the text of a record on a qube; `null` takes it away. */
export const recordCall = (dest: string, text: string | null): HostCall =>
  text === null
    ? { dest, method: 'admin.vm.feature.Remove', arg: RECORD_FEATURE, payload: '' }
    : { dest, method: 'admin.vm.feature.Set', arg: RECORD_FEATURE, payload: text }
