import { type Plan, type QubePlan, removedOrphans } from '../plan/index.ts'

/** Writes that an apply of the plan makes when all goes well. */
export function countWrites(plan: Plan): number {
  const ofQube = (qube: QubePlan): number =>
    [qube.create, qube.remove, ...(qube.volumes ?? []), ...qube.changes].reduce(
      (sum, part) => sum + (part?.calls.length ?? 0),
      // The record, once.
      qube.record.before === qube.record.after ? 0 : 1,
    )
  return plan.qubes.reduce((sum, qube) => sum + ofQube(qube), removedOrphans(plan).length)
}
