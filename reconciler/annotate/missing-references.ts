import { type Change, namedQube, type QubePlan } from '../plan/index.ts'
import { type Host, type HostQube } from '../ports/index.ts'

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
