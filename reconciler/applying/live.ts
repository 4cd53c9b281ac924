import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import { parseRecord } from '../ownership/index.ts'
import { deviceOf, isDevice, type Plan, type QubePlan, type Report, takesByItself } from '../plan/index.ts'
import { type AvailableDevice, type PresentDevice } from '../ports/index.ts'

export interface LiveAction {
  readonly qube: string
  readonly kind: 'attach' | 'detach'
  readonly device: AvailableDevice
}

/** Why something is not attached now. */
export interface LiveRemark {
  readonly qube: string
  readonly path: string
  readonly problem: Problem
}

/** A device of a running qube: wanted there now (assigned, and attached by itself), or no longer. */
export interface LiveWish {
  readonly qube: string
  readonly path: string
  readonly wanted: boolean
}

/**
 * What `--live` has to see to: the automatic assignments of running qubes whose apply went well, and the devices that it
 * took away from them. Read off the plan: what the record owns is what the spec asks for.
 */
export function liveWishes(plan: Plan, report: Report | null): readonly LiveWish[] {
  return plan.qubes.flatMap((qube) => {
    const status = report?.qubes.find((done) => done.qube === qube.qube)?.status ?? 'unchanged'
    if (!qube.running || (status !== 'applied' && status !== 'unchanged')) return []
    const gone = qube.changes.filter((change) => isDevice(change.path) && change.after === null)
    return [
      ...gone.map(({ path }) => ({ qube: qube.qube, path, wanted: false })),
      ...automatic(qube).map((path) => ({ qube: qube.qube, path, wanted: true })),
    ]
  })
}

/** Matches wishes with what is plugged in: by identity across ports, or by port, as the assignment says. */
export function liveActions(
  wishes: readonly LiveWish[],
  present: readonly AvailableDevice[],
): { readonly actions: readonly LiveAction[]; readonly remarks: readonly LiveRemark[] } {
  const actions: LiveAction[] = []
  const remarks: LiveRemark[] = []
  for (const { qube, path, wanted } of wishes) {
    const matching = present.filter((device) => isMeant(path, device))
    if (!wanted) {
      const own = matching.filter((device) => device.attachedTo === qube && !isWanted(qube, device, wishes))
      actions.push(...own.map((device) => ({ qube, kind: 'detach' as const, device })))
      continue
    }
    if (matching.length === 0) remarks.push({ qube, path, problem: NOT_PLUGGED_IN })
    for (const device of matching) {
      if (device.attachedTo === qube) continue
      if (device.attachedTo === null) actions.push({ qube, kind: 'attach', device })
      else remarks.push({ qube, path, problem: isElsewhere(device.attachedTo) })
    }
  }
  // What is given back first can be attached elsewhere in the same run.
  return { actions: actions.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'detach' ? -1 : 1)), remarks }
}

const NOT_PLUGGED_IN = problem('device-absent', 'is not plugged in: assigned, and attached once it is', '')

const isElsewhere = (qube: string): Problem =>
  problem('device-in-use', `is attached to ${qube}: not taken from it`, `detach it from ${qube}`)

/** Whether a qube is to have a device, under whatever name: one that is named in another way now is not given up. */
export function isWanted(qube: string, device: PresentDevice, wishes: readonly LiveWish[]): boolean {
  return wishes.some((wish) => wish.qube === qube && wish.wanted && isMeant(wish.path, device))
}

const automatic = (qube: QubePlan): readonly string[] => devicesOf(qube).map(([path]) => path)

function devicesOf(qube: QubePlan): readonly (readonly [string, Value | null])[] {
  const reading = parseRecord(qube.record.after ?? undefined, { name: qube.qube, uuid: qube.uuid ?? '' })
  if (reading.kind !== 'record') return []
  return [...reading.record.set].filter(([path, value]) => takesByItself(path, value))
}

/** Whether a device that is plugged in is the one of a path. */
export function isMeant(path: string, is: PresentDevice): boolean {
  const { backend, port, identity } = deviceOf(path)
  const fits = (wanted: string, found: string): boolean => wanted === '*' || wanted === found
  return backend === is.backend && fits(port, is.port) && fits(identity, is.identity)
}
