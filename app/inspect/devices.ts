import {
  attachmentGaps,
  type AvailableDevice,
  compareDevices,
  type LiveRemark,
  mapLimited,
  type Plan,
  settledWishes,
} from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type ConnectedHost } from '../host/index.ts'

/** USB devices that are plugged in, and why some may be missing here. */
export interface PluggedDevices {
  readonly devices: readonly AvailableDevice[]
  readonly unread: readonly Problem[]
}

/** What the running qubes have plugged in: only a running one tells. */
export async function listDevices({ host, qubes }: ConnectedHost): Promise<PluggedDevices> {
  const backends = qubes.filter(({ klass, state }) => klass !== 'AdminVM' && state === 'Running')
  const seen = await mapLimited(backends, 8, ({ name }) => host.availableDevices(name))
  return {
    devices: seen.flatMap((found) => (found.status === 'present' ? found.value : [])),
    unread: seen.flatMap((found) => (found.status === 'unknown' ? [found.problem] : [])),
  }
}

/**
 * Devices of running qubes that are not attached as they are assigned. What a plan changes, or what waits for a restart, is not listed
 * again. A call for each qube that devices are from.
 */
export async function findUnattached(plan: Plan, { host }: ConnectedHost): Promise<readonly LiveRemark[]> {
  return attachmentGaps(await compareDevices(settledWishes(plan), host))
}
