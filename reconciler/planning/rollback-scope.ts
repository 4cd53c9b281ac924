import { type Value } from '../../spec/index.ts'
import { heldRecord, type OwnershipRecord, ownRecord } from '../ownership/index.ts'
import {
  driftLeft,
  needsApply,
  type Plan,
  type QubePlan,
  type QubeReport,
  type Report,
} from '../plan/index.ts'

/** A plan that has been applied, and what became of it; without a report it was cut off, and nobody knows. */
export interface Undone {
  readonly plan: Plan
  readonly report: Pick<Report, 'qubes'> | null
}

/** What a run of plans did to one setting: where it began, and where it may have ended. */
interface Path {
  /** Value before the first change of it. */
  readonly first: Value | null
  /** Whether the oldest plan made that change. */
  readonly isOldest: boolean
  /** The value that the newest of them left: of a change that may not have been made, the one before it is another. */
  readonly left: readonly (Value | null)[]
}

/** What a run of plans did to one qube. */
export interface Doing {
  readonly uuid: string | null
  readonly paths: Map<string, Path>
  /** The record before the oldest of them, as one of the qube that it is now. */
  record: OwnershipRecord | null
  /** What the oldest of them owned once it was done, of all qubes that it looked at. */
  oldest: OwnershipRecord | null
  /** Drift that the oldest of them saw, and left. */
  drift: ReadonlyMap<string, Value | null>
  /** The oldest of them created it: it stays, and so does what created it. */
  created: boolean
}

/** What plans, the newest first, did qube by qube. What they did not come to is none of it. */
export function doingsOf(undone: readonly Undone[]): ReadonlyMap<string, Doing> {
  const byQube = new Map<string, Doing>()
  for (const { plan, report } of undone) {
    for (const qube of plan.qubes.filter(needsApply)) {
      const done = report?.qubes.find((one) => one.qube === qube.qube)
      if (done?.touched !== false) add(byQube, qube, done, plan === undone.at(-1)?.plan)
    }
  }
  const oldest = undone.at(-1)
  for (const [name, doing] of byQube) {
    const qube = oldest?.plan.qubes.find((one) => one.qube === name)
    if (qube === undefined) continue
    doing.oldest = ownRecord(qube.record.after, { name, uuid: qube.uuid })
    doing.drift = new Map(driftLeft(qube).map(({ path, value }) => [path, value]))
  }
  return byQube
}

/**
 * The value that the oldest plan found: the one before its own change; else the drift that it left; else the one that it wanted, and so
 * had found to be right; else, of a setting that it did not know, or that was the user's by then, the one before the first later change. A
 * value that someone else had set in between, and a later plan corrected, is none of these.
 */
export function targetOf(
  path: string,
  { first, isOldest }: Path,
  { oldest, drift }: Doing,
  same: (a: Value | null, b: Value | null) => boolean,
): Value | null {
  const wanted = oldest?.set.get(path)
  if (isOldest) return first
  const found = drift.get(path)
  if (found !== undefined) return found
  if (wanted === undefined || oldest?.once.has(path) === true) return first
  // As exactly as it was seen, where that is known.
  const original = oldest?.originals.get(path)
  return [original, first].find((seen) => seen !== undefined && same(seen, wanted)) ?? wanted
}

function add(
  byQube: Map<string, Doing>,
  qube: QubePlan,
  done: QubeReport | undefined,
  isOldest: boolean,
): void {
  const doing = byQube.get(qube.qube) ?? {
    uuid: qube.uuid,
    paths: new Map<string, Path>(),
    record: null,
    oldest: null,
    drift: new Map<string, Value | null>(),
    created: false,
  }
  doing.record = heldRecord(qube.record.before, qube)
  doing.created = qube.create !== undefined
  for (const { path, before, after } of qube.changes) {
    const status = done?.outcomes.find((outcome) => outcome.path === path)?.status
    if (status === 'skipped') continue
    // A call that failed may have been done all the same.
    const left = status === 'applied' ? [after] : [after, before]
    doing.paths.set(path, { first: before, isOldest, left: doing.paths.get(path)?.left ?? left })
  }
  byQube.set(qube.qube, doing)
}
