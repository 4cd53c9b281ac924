import { type QubePlan } from '../plan/index.ts'
import { ownRecord } from './parse-record.ts'
import { type OwnershipRecord, sameOwnership } from './record.ts'

/**
 * Whether a plan changes what is owned on a qube, beside some settings. That its record is written anew need not mean that: it may only
 * say what waits for a start.
 */
export function changesOwnership(
  { qube: name, uuid, record }: QubePlan,
  beside: ReadonlySet<string>,
): boolean {
  if (record.before === record.after) return false
  const owned = (text: string | null): OwnershipRecord | null => {
    const found = ownRecord(text, { name, uuid })
    return found === null ? null : without(found, beside)
  }
  const [before, after] = [owned(record.before), owned(record.after)]
  return before === null || after === null || !sameOwnership(before, after)
}

function without(record: OwnershipRecord, paths: ReadonlySet<string>): OwnershipRecord {
  const isLeft = ([path]: readonly [string, unknown]): boolean => !paths.has(path)
  return {
    ...record,
    set: new Map([...record.set].filter(isLeft)),
    originals: new Map([...record.originals].filter(isLeft)),
    once: new Set([...record.once].filter((path) => !paths.has(path))),
    waits: null,
  }
}
