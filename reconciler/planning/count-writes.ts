import { ownRecord, waitsAhead } from '../ownership/index.ts'
import { type Plan, type QubePlan } from '../plan/index.ts'

/**
 * The record is written ahead of values, once more where a value of ours has been replaced, or set back, and waits no
 * longer, and ahead of removals where it is to tell that they wait.
 */
function recordWrites(plan: QubePlan): number {
  const { qube, uuid, record, changes } = plan
  const ahead = changes.length === 0 ? null : ownRecord(record.after, { name: qube, uuid })
  const replaced = changes.some(
    ({ path, effect }) =>
      ahead?.was.has(path) === true || (effect === 'set-back' && ahead?.waits?.paths.includes(path) === true),
  )
  const writes = [record.before !== record.after, replaced, waitsAhead(plan, uuid) !== null]
  return writes.filter((isMade) => isMade).length
}

/** Writes that an apply of the plan makes when all goes well. */
export function countWrites(plan: Plan): number {
  const ofQube = (qube: QubePlan): number =>
    [qube.create, qube.remove, ...(qube.volumes ?? []), ...qube.changes].reduce(
      (sum, part) => sum + (part?.calls.length ?? 0),
      recordWrites(qube),
    )
  return plan.qubes.reduce((sum, qube) => sum + ofQube(qube), 0)
}
