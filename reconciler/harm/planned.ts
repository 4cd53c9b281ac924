import { located, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState } from '../../spec/index.ts'
import { deviceOf, isDevice, type QubePlan } from '../plan/index.ts'
import { type AvailableDevice, type Observation } from '../ports/index.ts'
import { type HarmContext } from './facts.ts'
import { absentDevice } from './required.ts'

/** Plans with what keeps their qubes from the next start by the spec itself: required devices that are not where it says. */
export async function withAbsentDevices(
  plans: readonly QubePlan[],
  desired: DesiredState,
  { host, qubes }: HarmContext,
): Promise<readonly QubePlan[]> {
  const required = new Map(plans.map(({ qube }) => [qube, requiredIn(desired, qube)] as const))
  const all = [...required.values()].flat()
  if (all.length === 0) return plans
  const listed = (name: string): HarmContext['qubes'][number] | undefined =>
    qubes.find((qube) => qube.name === name)
  const plugged = new Map<string, Observation<readonly AvailableDevice[]>>()
  for (const { device } of all) {
    const { backend } = device
    if (backend === '*' || plugged.has(backend) || listed(backend)?.state === 'Halted') continue
    plugged.set(backend, await host.availableDevices(backend))
  }
  const places = { listed, plugged: (backend: string) => plugged.get(backend) ?? ABSENT }
  return plans.map((plan) => {
    const absent = (required.get(plan.qube) ?? []).flatMap(({ device, at }): readonly Problem[] => {
      const seen = absentDevice(device, places)
      return seen?.status === 'present' ? [located(seen.value, at)] : []
    })
    return absent.length === 0 ? plan : { ...plan, hindered: absent }
  })
}

const ABSENT = { status: 'absent' } as const

function requiredIn(
  { qubes }: DesiredState,
  name: string,
): readonly { readonly device: ReturnType<typeof deviceOf>; readonly at: Problem['at'] }[] {
  return [...(qubes.get(name)?.settings.values() ?? [])].flatMap(({ path, value, position }) => {
    const isRequired =
      typeof value === 'object' && value !== null && 'mode' in value && value.mode === 'required'
    return isDevice(path) && isRequired ? [{ device: deviceOf(path), at: position }] : []
  })
}
