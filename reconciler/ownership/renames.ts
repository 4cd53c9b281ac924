import { type Value } from '../../spec/index.ts'
import { deviceOf, isDevice, namedQube, pathOfDevice, type QubePlan, type Rename } from '../plan/index.ts'
import { type Receipt } from '../ports/index.ts'
import { ownRecord, parseRecord } from './parse-record.ts'
import { type OwnershipRecord } from './record.ts'

/**
 * Records of qubes that were renamed, and of those that name them. Qubes renames by clone and removal: the record of the qube that is
 * gone lies on another one, under the old UUID; and records of others name it as backend of a device or as the value of a property.
 */

/** What decides how a text is read: whose it is, and what has another name by now. */
export type RecordHolder = Pick<QubePlan, 'qube' | 'uuid' | 'movedFrom' | 'renames'>

/**
 * The record of a qube from a text that has been checked before: its own, or the one whose entries pass over to it, with the names that
 * qubes have now. Null for none, and for that of any other qube.
 */
export function heldRecord(text: string | null, holder: RecordHolder): OwnershipRecord | null {
  const { qube: name, uuid, movedFrom, renames = [] } = holder
  const own = ownRecord(text, { name, uuid })
  if (own !== null || movedFrom === undefined) return own && renamedIn(own, renames)
  const origin = ownRecord(text, { name, uuid: movedFrom.uuid })
  // What waited for a start of the other qube does not wait for one of this.
  return origin && renamedIn({ ...origin, uuid: uuid ?? '', waits: null }, renames)
}

/** Whether the record on the qube has to be written anew even where it owns nothing else. */
export const isReadAnew = ({ movedFrom, renames }: RecordHolder): boolean =>
  movedFrom !== undefined || renames !== undefined

/** Whether a text may name one of these qubes. */
export const mentionsAny = (text: string, renames: readonly Rename[]): boolean =>
  renames.some(({ from }) => text.includes(`"${from}"`) || text.includes(`usb/${from}+`))

/** The UUID of the qube whose record a text is, where it is one. */
export function uuidIn(text: string | null, name: string): string | null {
  // No qube has it.
  const reading = parseRecord(text ?? undefined, { name, uuid: '' })
  return reading.kind === 'foreign' ? reading.uuid : null
}

/** A record with the names that qubes have now; the record itself where it names none of them. */
export function renamedIn(record: OwnershipRecord, renames: readonly Rename[]): OwnershipRecord {
  const names = new Map(renames.map(({ from, to }) => [from, to]))
  const entries = [...record.set.keys()]
  const isNamed = entries.some(
    (path) =>
      renamedPath(path, names) !== path ||
      [record.set, record.originals].some((map) => isOther(path, map.get(path), names)),
  )
  if (!isNamed) return record
  const values = (map: ReadonlyMap<string, Value | null>): ReadonlyMap<string, Value | null> =>
    new Map([...map].map(([path, value]) => [renamedPath(path, names), renamedValue(path, value, names)]))
  const { waits } = record
  return {
    ...record,
    set: values(record.set),
    originals: values(record.originals),
    once: new Set([...record.once].map((path) => renamedPath(path, names))),
    waits: waits && {
      ...waits,
      paths: waits.paths.map((path) => renamedPath(path, names)),
      from: values(waits.from),
    },
  }
}

/** Paths of a record as they are with the names that qubes have now. */
export function renamedPaths(paths: readonly string[], renames: readonly Rename[] = []): readonly string[] {
  const names = new Map(renames.map(({ from, to }) => [from, to]))
  return renames.length === 0 ? paths : paths.map((path) => renamedPath(path, names))
}

/** What an unfinished run replaces (`Receipt`), with the names that qubes have now. */
export function renamedFormer(was: Receipt['was'] = {}, renames: readonly Rename[] = []): Receipt['was'] {
  const names = new Map(renames.map(({ from, to }) => [from, to]))
  if (renames.length === 0) return was
  return Object.fromEntries(
    Object.entries(was).map(([path, values]) => [
      renamedPath(path, names),
      values.map((value) => renamedValue(path, value, names)),
    ]),
  )
}

type Names = ReadonlyMap<string, string>

function renamedPath(path: string, names: Names): string {
  if (!isDevice(path)) return path
  const device = deviceOf(path)
  const backend = names.get(device.backend)
  return backend === undefined ? path : pathOfDevice({ ...device, backend })
}

function renamedValue(path: string, value: Value | null, names: Names): Value | null {
  const qube = isDevice(path) ? null : namedQube({ path, after: value })
  return (qube === null ? undefined : names.get(qube)) ?? value
}

const isOther = (path: string, value: Value | null | undefined, names: Names): boolean =>
  value !== undefined && renamedValue(path, value, names) !== value
