import { QstateError } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type Ensure } from '../../spec/index.ts'
import { type QubePlan, type VolumeGrowth } from '../plan/index.ts'
import { type Host, type HostQube, isRunning } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'
import { growthOf, VOLUMES } from './creation.ts'

/**
 * A qube on which nothing has been recorded may be one whose creation was cut short, so that its volumes are looked at.
 * Not those of a running one: qstate has not started it.
 */
export async function withGrowth(
  plan: QubePlan,
  qube: HostQube,
  declared: DesiredQube,
  { volumes }: Ensure,
  host: Host,
): Promise<QubePlan> {
  if (isRunning(qube) || plan.blocked.some(({ path }) => path === null)) return plan
  const growing: VolumeGrowth[] = []
  for (const name of VOLUMES) {
    const size = volumes[name]
    if (size === undefined) continue
    try {
      if ((await host.volumeSize(qube.name, name)) < size) growing.push(growthOf(qube.name, name, size))
    } catch (error) {
      if (!(error instanceof QstateError) || error.fatal) throw error
      const message = `whether its ${name} volume is as large as wanted is not known: ${error.message}`
      return blockedQube(qube, { ...error.problem, message }, declared)
    }
  }
  return growing.length === 0 ? plan : { ...plan, volumes: growing }
}
