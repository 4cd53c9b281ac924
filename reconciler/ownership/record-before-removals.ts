import { isDevice, type QubePlan } from '../plan/index.ts'
import { ownRecord } from './parse-record.ts'
import { formatRecord, type OwnershipRecord, recordTooLong } from './record.ts'

/**
 * The record that goes ahead of removals, where one of them is the first change of its setting since a running qube was
 * started: what is owned stays as it was, and what will wait is told with the value that it had. Without it, a run that
 * was cut off before the record that goes behind removals would leave nobody knowing that the qube runs with another
 * value. Null: there is no such removal, and nothing to write.
 */
export function waitsAhead(plan: QubePlan, uuid: string | null): string | null {
  const of = { name: plan.qube, uuid }
  const [old, next] = [ownRecord(plan.record.before, of), ownRecord(plan.record.after, of)]
  if (next === null || next.waits === null) return null
  const { start, paths, from } = next.waits
  const known = old?.waits?.start === start ? old.waits : null
  const isNew = (path: string): boolean => paths.includes(path) && known?.paths.includes(path) !== true
  // A device that another qube waits for is taken away first, even where the record goes on owning that it is away.
  const isFirst = ({ path, after }: QubePlan['changes'][number]): boolean =>
    !next.set.has(path) || (after === null && isDevice(path))
  if (!plan.changes.some((change) => isNew(change.path) && isFirst(change))) return null
  const ahead: OwnershipRecord = {
    ...(old ?? { ...next, set: new Map(), originals: new Map(), was: new Map() }),
    waits: {
      start,
      paths: [...new Set([...(known?.paths ?? []), ...paths])].sort(),
      from: new Map([...from, ...(known?.from ?? [])]),
    },
  }
  const text = formatRecord(ahead)
  return recordTooLong(text) ? null : text
}
