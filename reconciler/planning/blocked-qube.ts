import { type Blocked, type QubePlan } from '../plan/index.ts'
import { type HostQube, isRunning } from '../ports/index.ts'

/** The plan of a qube of which nothing is written. */
export function blockedQube(qube: HostQube, why?: Blocked): QubePlan {
  return {
    ...describe(qube),
    changes: [],
    record: { before: null, after: null },
    blocked: why === undefined ? [] : [why],
    waiting: [],
    notes: [],
  }
}

/** What a plan says of a qube whatever becomes of it. */
export const describe = (qube: HostQube): Pick<QubePlan, 'qube' | 'uuid' | 'klass' | 'running'> => ({
  qube: qube.name,
  uuid: qube.uuid,
  klass: qube.klass,
  running: isRunning(qube),
})
