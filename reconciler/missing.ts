import { SETTINGS } from '../spec/index.ts'
import { deviceOf, isDevice } from './devices.ts'
import { type Host, type HostQube } from './host.ts'
import { type Change, type QubePlan } from './plan.ts'

/**
 * Says with each change that names a qube that there is none of the name, and that this plan creates none: qubesd refuses it.
 * From where not every qube is listed this is not known, and not said.
 */
export function withMissing(
  plans: readonly QubePlan[],
  qubes: readonly HostQube[],
  { howListed }: Pick<Host, 'howListed'>,
): readonly QubePlan[] {
  if (howListed !== undefined) return plans
  const there = new Set(qubes.map(({ name }) => name))
  for (const plan of plans) if (plan.create !== undefined) there.add(plan.qube)
  const isMissing = (change: Change): boolean => {
    const qube = namedQube(change)
    return qube !== null && !there.has(qube)
  }
  return plans.map((plan) => {
    if (!plan.changes.some(isMissing)) return plan
    const changes = plan.changes.map((change) => {
      if (!isMissing(change)) return change
      const remark = `there is no qube ${namedQube(change) ?? ''}: Qubes will refuse this`
      return { ...change, remarks: [...change.remarks, remark] }
    })
    return { ...plan, changes }
  })
}

/** The qube that a change names, and not a text that happens to be the name of one. */
export function namedQube({ path, after }: Change): string | null {
  if (after === null) return null
  if (isDevice(path)) return deviceOf(path).backend
  return NAMES_A_QUBE.has(path) && typeof after === 'string' && after !== '' ? after : null
}

const NAMES_A_QUBE: ReadonlySet<string> = new Set([
  ...SETTINGS.filter(({ type }) => type.kind === 'qube').map(({ path }) => path),
  ...['default_dispvm', 'guivm', 'management_dispvm', 'template'].map((name) => `qube/properties/${name}`),
])
