import { type Value } from '../../spec/index.ts'
import { needsApply, type Plan, type QubePlan, type QubeReport, type Report } from '../plan/index.ts'

/** A plan that has been applied, and what became of it; without a report it was cut off, and nobody knows. */
export interface Undone {
  readonly plan: Plan
  readonly report: Pick<Report, 'qubes'> | null
}

/** What a run of plans did to one setting: where it began, and where it may have ended. */
interface Path {
  /** Value before the oldest of them. */
  readonly target: Value | null
  /** The value that the newest of them left: of a change that may not have been made, the one before it is another. */
  readonly left: readonly (Value | null)[]
}

/** What a run of plans did to one qube. */
export interface Doing {
  readonly uuid: string | null
  readonly paths: Map<string, Path>
  /** The record's text before the oldest of them. */
  record: string | null
  /** The oldest of them created it: it stays, and so does what created it. */
  created: boolean
}

/** What plans, the newest first, did qube by qube. What they did not come to is none of it. */
export function doingsOf(undone: readonly Undone[]): ReadonlyMap<string, Doing> {
  const byQube = new Map<string, Doing>()
  for (const { plan, report } of undone) {
    for (const qube of plan.qubes.filter(needsApply)) {
      const done = report?.qubes.find((one) => one.qube === qube.qube)
      if (done?.touched !== false) add(byQube, qube, done)
    }
  }
  return byQube
}

function add(byQube: Map<string, Doing>, qube: QubePlan, done: QubeReport | undefined): void {
  const doing = byQube.get(qube.qube) ?? {
    uuid: qube.uuid,
    paths: new Map<string, Path>(),
    record: null,
    created: false,
  }
  doing.record = qube.record.before
  doing.created = qube.create !== undefined
  for (const { path, before, after } of qube.changes) {
    const status = done?.outcomes.find((outcome) => outcome.path === path)?.status
    if (status === 'skipped') continue
    // A call that failed may have been done all the same.
    const left = status === 'applied' ? [after] : [after, before]
    doing.paths.set(path, { target: before, left: doing.paths.get(path)?.left ?? left })
  }
  byQube.set(qube.qube, doing)
}
