import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import { parseRecord } from '../ownership/index.ts'
import {
  deviceOf,
  isDevice,
  isElsewhere,
  isMeant,
  notPluggedIn,
  pathOfDevice,
  type Plan,
  type QubePlan,
  type Report,
  takesByItself,
  unattached,
} from '../plan/index.ts'
import {
  type AvailableDevice,
  type Host,
  NO_NEEDS,
  type PresentDevice,
  type UsbAssignment,
} from '../ports/index.ts'

/** `attach` of a device that another qube has: once that qube has given it up. */
export interface LiveAction {
  readonly qube: string
  readonly kind: 'attach' | 'detach'
  readonly device: AvailableDevice
}

/** Why something is not attached or detached now. */
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

/** What is attached to running qubes, compared with what is assigned to them. */
export interface LiveDevices {
  /** What could be compared. */
  readonly wishes: readonly LiveWish[]
  readonly present: readonly AvailableDevice[]
  /** What would make attached what is assigned, in this order. */
  readonly actions: readonly LiveAction[]
  /** What nothing is done about. */
  readonly remarks: readonly LiveRemark[]
  /** What could not be compared. */
  readonly unread: readonly LiveRemark[]
  /** Whether an assignment gives the qube this device, under whatever name and by whomever. */
  readonly isAssigned: (qube: string, device: PresentDevice) => boolean
}

/**
 * What `--live` has to see to on running qubes whose apply went well: automatic assignments, and devices that are no longer assigned,
 * whichever run took them away, or that the spec says are off. Read off the plan: what the record owns is what the spec asks for.
 */
export function liveWishes(plan: Plan, report: Report | null): readonly LiveWish[] {
  return plan.qubes.flatMap((planned) => {
    const { qube, running, changes, waiting } = planned
    const status = report?.qubes.find((done) => done.qube === qube)?.status ?? 'unchanged'
    if (!running || (status !== 'applied' && status !== 'unchanged')) return []
    const owned = devicesOf(planned)
    const gone = changes.filter(({ path, after }) => isDevice(path) && after === null).map(({ path }) => path)
    const off = [...owned].filter(([, value]) => value === null).map(([path]) => path)
    // An earlier run took these away, and since then the qube was not started.
    const earlier = waiting.filter((path) => isDevice(path) && !owned.has(path))
    return [
      ...[...new Set([...gone, ...off, ...earlier])].map((path) => ({ qube, path, wanted: false })),
      ...[...owned].flatMap(([path, value]) =>
        takesByItself(path, value) ? [{ qube, path, wanted: true }] : [],
      ),
    ]
  })
}

/**
 * Of these, what nothing else is about: no change of the plan, nothing that waits for a restart. Where these are not met, something has
 * happened since.
 */
export function settledWishes(plan: Plan): readonly LiveWish[] {
  const byName = new Map(plan.qubes.map((planned) => [planned.qube, planned]))
  return liveWishes(plan, null).filter(({ qube, path }) => {
    const planned = byName.get(qube)
    // One that is starting gets its devices by itself, and one that is paused takes none.
    if (planned?.state !== undefined) return false
    const isTold =
      planned?.waiting.some((one) => one === path || one === 'stubdom/qrexec') === true ||
      planned?.changes.some((change) => change.path === path) === true
    return !isTold
  })
}

/** Compares wishes with what is plugged in and who has it: a call for each backend, and one for each qube that is to give something up. */
export async function compareDevices(
  wishes: readonly LiveWish[],
  host: Pick<Host, 'availableDevices' | 'read'>,
): Promise<LiveDevices> {
  const present: AvailableDevice[] = []
  const unread: LiveRemark[] = []
  const setAside = (problem: Problem, concerns: (wish: LiveWish) => boolean): void => {
    unread.push(...wishes.filter(concerns).map(({ qube, path }) => ({ qube, path, problem })))
  }
  for (const backend of [...new Set(wishes.map(({ path }) => deviceOf(path).backend))].sort()) {
    const seen = await host.availableDevices(backend)
    if (seen.status === 'present') present.push(...seen.value)
    if (seen.status === 'unknown') setAside(seen.problem, ({ path }) => deviceOf(path).backend === backend)
  }
  const assigned = new Map<string, readonly UsbAssignment[]>()
  for (const qube of new Set(wishes.flatMap((wish) => (wish.wanted ? [] : [wish.qube])))) {
    const seen = (await host.read(qube, { ...NO_NEEDS, usb: true })).usb()
    if (seen.status === 'present') assigned.set(qube, seen.value)
    if (seen.status === 'unknown') setAside(seen.problem, (wish) => !wish.wanted && wish.qube === qube)
  }
  const isGiven = ({ qube, path }: LiveWish): boolean =>
    assigned.get(qube)?.some((device) => pathOfDevice(device) === path) === true
  const readable = wishes.filter(
    (wish) =>
      !unread.some(({ qube, path }) => qube === wish.qube && path === wish.path) &&
      // Assigned again by others, or as it was before qstate: that is not taken away.
      (wish.wanted || !isGiven(wish)),
  )
  const isAssigned: LiveDevices['isAssigned'] = (qube, device) =>
    readable.some((wish) => wish.qube === qube && wish.wanted && isMeant(wish.path, device)) ||
    assigned.get(qube)?.some((one) => one.mode !== 'ask-to-attach' && isMeant(pathOfDevice(one), device)) ===
      true
  return { wishes: readable, present, unread, isAssigned, ...liveActions(readable, present, isAssigned) }
}

/** Matches wishes with what is plugged in: by identity across ports, or by port, as the assignment says. */
function liveActions(
  wishes: readonly LiveWish[],
  present: readonly AvailableDevice[],
  isAssigned: LiveDevices['isAssigned'],
): Pick<LiveDevices, 'actions' | 'remarks'> {
  const meant = (path: string): readonly AvailableDevice[] => present.filter((one) => isMeant(path, one))
  const lost = (qube: string, path: string): readonly AvailableDevice[] =>
    meant(path).filter((device) => device.attachedTo === qube && !isAssigned(qube, device))
  const detached = wishes
    .filter(({ wanted }) => !wanted)
    .flatMap(({ qube, path }) => lost(qube, path).map((device) => ({ qube, device })))
  const remarks: LiveRemark[] = []
  const attached: { qube: string; device: AvailableDevice }[] = []
  for (const { qube, path } of wishes.filter(({ wanted }) => wanted)) {
    const found = meant(path)
    if (found.length === 0) remarks.push({ qube, path, problem: notPluggedIn(path, present) })
    for (const device of found) {
      const { attachedTo } = device
      if (attachedTo === qube) continue
      if (attachedTo === null || detached.some((one) => one.device === device))
        attached.push({ qube, device })
      else remarks.push({ qube, path, problem: isElsewhere(attachedTo) })
    }
  }
  // What is given up first can be attached elsewhere in the same run.
  const actions = [
    ...unique(detached).map((one) => ({ ...one, kind: 'detach' as const })),
    ...unique(attached).map((one) => ({ ...one, kind: 'attach' as const })),
  ]
  return { actions, remarks }
}

/** Where what is attached is not what is assigned, and what could not be compared. */
export const attachmentGaps = ({
  wishes,
  present,
  unread,
  isAssigned,
}: LiveDevices): readonly LiveRemark[] => [
  ...unread,
  ...wishes.flatMap(({ qube, path, wanted }) => {
    const why = wanted ? unattached(qube, path, present) : stillAttached(qube, path, present, isAssigned)
    return why === undefined ? [] : [{ qube, path, problem: why }]
  }),
]

function stillAttached(
  qube: string,
  path: string,
  present: readonly AvailableDevice[],
  isAssigned: LiveDevices['isAssigned'],
): Problem | undefined {
  const isLeft = present.some(
    (device) => device.attachedTo === qube && isMeant(path, device) && !isAssigned(qube, device),
  )
  const hint = '`qstate apply --live` detaches it, as does a restart of the qube'
  return isLeft ? problem('still-attached', 'is attached, and not assigned', hint) : undefined
}

type OnQube = Pick<LiveAction, 'qube' | 'device'>

/** One device may be meant by several paths of a qube. */
const unique = (list: readonly OnQube[]): readonly OnQube[] =>
  list.filter(
    ({ qube, device }, index) =>
      list.findIndex((one) => one.qube === qube && one.device === device) === index,
  )

/** The USB devices that the record owns, once the plan is applied. */
function devicesOf(qube: QubePlan): ReadonlyMap<string, Value | null> {
  const reading = parseRecord(qube.record.after ?? undefined, { name: qube.qube, uuid: qube.uuid ?? '' })
  if (reading.kind !== 'record') return new Map()
  return new Map([...reading.record.set].filter(([path]) => isDevice(path)))
}
