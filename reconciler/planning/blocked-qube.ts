import { located, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube } from '../../spec/index.ts'
import { type QubePlan } from '../plan/index.ts'
import { type HostQube, isRunning } from '../ports/index.ts'

/** The plan of a qube of which nothing is written. `declared`: as the spec has it, if it does. */
export function blockedQube(
  qube: HostQube,
  why?: Problem,
  declared?: Pick<DesiredQube, 'position'> | null,
): QubePlan {
  return {
    ...describe(qube),
    changes: [],
    record: { before: null, after: null },
    blocked: why === undefined ? [] : [{ path: null, problem: located(why, declared?.position) }],
    waiting: [],
    notes: [],
  }
}

/** What a plan says of a qube whatever becomes of it. */
export const describe = (
  qube: HostQube,
): Pick<QubePlan, 'qube' | 'uuid' | 'klass' | 'running' | 'state'> => ({
  qube: qube.name,
  uuid: qube.uuid,
  klass: qube.klass,
  running: isRunning(qube),
  ...(isBetween(qube) ? { state: qube.state } : {}),
})

/** Neither running nor halted. */
export const isBetween = (qube: HostQube): boolean => isRunning(qube) && qube.state !== 'Running'
