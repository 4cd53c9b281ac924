import { type Change, deviceOf, isDevice, overlaps, type QubePlan, takesByItself } from '../plan/index.ts'
import { type HostQube, mapLimited, type UsbAssignment } from '../ports/index.ts'
import { type Explainer } from './explain.ts'

/**
 * Says with each device that a plan newly lets a qube take by itself which other qubes take it by themselves, too: qubesd
 * does not object, and whichever starts first has it. All other qubes are asked, once, and only where there is such a change.
 */
export async function withRivals(
  plans: readonly QubePlan[],
  qubes: readonly HostQube[],
  explain: Explainer,
  parallelism: number,
): Promise<readonly QubePlan[]> {
  const taking = plans.filter(({ changes }) => changes.some(takes))
  if (taking.length === 0 || !explain.asks) return plans
  const backends = new Set(
    taking.flatMap(({ changes }) => changes.filter(takes).map(({ path }) => deviceOf(path).backend)),
  )
  const asked = qubes.filter(
    ({ name, klass }) =>
      HAS_DEVICES.has(klass) && !backends.has(name) && taking.some(({ qube }) => qube !== name),
  )
  const assigned = await mapLimited(asked, parallelism, async ({ name }) => {
    const all = (await explain.assignments(name)) ?? []
    const given = plans.find(({ qube }) => qube === name)?.changes.filter(({ after }) => after === null) ?? []
    return all
      .filter((one) => one.mode !== 'ask-to-attach')
      .filter((one) => !given.some(({ path }) => isDevice(path) && overlaps(deviceOf(path), one)))
      .map((one): Claim => ({ ...one, qube: name }))
  })
  const claims = assigned.flat()
  return plans.map((plan) => ({
    ...plan,
    changes: plan.changes.map((change) => withRemark(change, plan.qube, claims)),
  }))
}

type Claim = UsbAssignment & { readonly qube: string }

const HAS_DEVICES: ReadonlySet<string> = new Set(['AppVM', 'DispVM', 'StandaloneVM'])

const takes = ({ path, after }: Change): boolean => takesByItself(path, after)

function withRemark(change: Change, qube: string, claims: readonly Claim[]): Change {
  if (!takes(change)) return change
  const device = deviceOf(change.path)
  const others = claims.filter((claim) => claim.qube !== qube && overlaps(device, claim))
  if (others.length === 0) return change
  const names = [...new Set(others.map((claim) => claim.qube))].sort()
  const take = names.length === 1 ? 'takes it by itself' : 'take it by themselves'
  const remark = `${names.join(', ')} ${take}, too: whichever starts first has it`
  return { ...change, remarks: [...change.remarks, remark] }
}
