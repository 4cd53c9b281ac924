import {
  type Blocked,
  driftLeft,
  type EnsureDifference,
  type LiveRemark,
  needsApply,
  type Plan,
  type QubePlan,
} from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type RestartPolicy } from '../../spec/index.ts'

/** A qube as status lists it. */
export interface QubeStatus {
  readonly qube: string
  readonly running: boolean
  /** `running`, `halted`, `crashed` …: as the host says it. */
  readonly power: string
  readonly state:
    | 'as wanted'
    | 'to be changed'
    | 'to be created'
    | 'to be removed'
    | 'to be taken over'
    | 'drifted'
    | 'held'
    | 'differs'
    | 'blocked'
  readonly changes: number
  readonly drift: readonly string[]
  readonly blocked: readonly Blocked[]
  /** In what it is another than `ensure` says. */
  readonly differs: readonly EnsureDifference[]
  /** Settings that count after the next start. */
  readonly waiting: readonly string[]
  /** Settings that are made once the qube is found halted. */
  readonly held: readonly Blocked[]
  /** What keeps it from its next start. */
  readonly hindered: readonly Problem[]
  /** USB devices that are not where they are assigned, as far as that was read. */
  readonly devices: readonly LiveRemark[]
  /** When the spec lets the qube be restarted for what waits. */
  readonly restart: RestartPolicy
}

function summaryOf(qube: QubePlan, devices: readonly LiveRemark[]): QubeStatus {
  const changed = qube.changes.filter(({ reason }) => reason === 'drift')
  const drift = [...changed, ...driftLeft(qube)].map(({ path }) => path)
  return {
    qube: qube.qube,
    running: qube.running,
    power: powerOf(qube),
    state: stateOf(qube, drift.length + devices.filter(isDrift).length, qube.blocked.length),
    changes: qube.changes.length,
    drift,
    blocked: qube.blocked,
    differs: qube.differs ?? [],
    waiting: qube.waiting,
    held: qube.held ?? [],
    hindered: qube.hindered ?? [],
    devices,
    restart: qube.restart ?? 'never',
  }
}

/** The word for whether a qube runs. */
export const powerOf = ({ running, state }: Pick<QubePlan, 'running' | 'state'>): string =>
  state?.toLowerCase() ?? (running ? 'running' : 'halted')

function stateOf(qube: QubePlan, drift: number, blocked: number): QubeStatus['state'] {
  if (blocked > 0) return 'blocked'
  if (qube.remove !== undefined) return 'to be removed'
  if (qube.create !== undefined) return 'to be created'
  if (drift > 0) return 'drifted'
  if (!needsApply(qube) && qube.held !== undefined) return 'held'
  if (!needsApply(qube)) return qube.differs === undefined ? 'as wanted' : 'differs'
  return qube.changes.length === 0 && qube.volumes === undefined ? 'to be taken over' : 'to be changed'
}

/** A device that is not plugged in is attached once it is, and of one that could not be read nothing is known. */
export const isDrift = ({ problem: { code } }: LiveRemark): boolean =>
  code === 'not-attached' || code === 'still-attached' || code === 'device-in-use'

/** A line for each qube. `devices`: what is not attached as assigned. */
export const statusOf = ({ qubes }: Plan, devices: readonly LiveRemark[] = []): readonly QubeStatus[] =>
  qubes.map((qube) =>
    summaryOf(
      qube,
      devices.filter((one) => one.qube === qube.qube),
    ),
  )
