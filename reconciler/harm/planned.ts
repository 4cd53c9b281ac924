import { located, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState } from '../../spec/index.ts'
import { type Device, deviceOf, isDevice, type QubePlan } from '../plan/index.ts'
import { type AvailableDevice, type Observation } from '../ports/index.ts'
import { type HarmContext } from './facts.ts'
import { inState } from './hindrances.ts'
import { absentDevice } from './required.ts'

/**
 * Plans with what keeps their qubes from the next start, as far as spec and list show it: required devices that are not where the spec
 * says, which takes a call for each qube that they are from, and states in which nothing happens to a qube.
 */
export async function withHindrances(
  plans: readonly QubePlan[],
  desired: DesiredState,
  context: HarmContext & { readonly asksForDevices: boolean },
): Promise<readonly QubePlan[]> {
  const listed = (name: string): HarmContext['qubes'][number] | undefined =>
    context.qubes.find((qube) => qube.name === name)
  const absent = context.asksForDevices ? await absentDevices(plans, desired, listed, context) : NONE
  return plans.map((plan) => {
    if (plan.state === undefined && !absent.has(plan.qube)) return plan
    const qube = listed(plan.qube)
    const still = qube === undefined ? [] : inState({ qube })
    const hindered = [
      ...still.flatMap((seen) => (seen.status === 'present' ? [seen.value] : [])),
      ...(absent.get(plan.qube) ?? []),
    ]
    return hindered.length === 0 ? plan : { ...plan, hindered }
  })
}

const NONE: ReadonlyMap<string, readonly Problem[]> = new Map()

/** By qube. */
async function absentDevices(
  plans: readonly QubePlan[],
  desired: DesiredState,
  listed: (name: string) => HarmContext['qubes'][number] | undefined,
  { host }: HarmContext,
): Promise<ReadonlyMap<string, readonly Problem[]>> {
  const required = plans.flatMap(({ qube }) => requiredIn(desired, qube))
  const plugged = new Map<string, Observation<readonly AvailableDevice[]>>()
  for (const { device } of required) {
    const { backend } = device
    if (backend === '*' || plugged.has(backend) || listed(backend)?.state === 'Halted') continue
    plugged.set(backend, await host.availableDevices(backend))
  }
  const places = { listed, plugged: (backend: string) => plugged.get(backend) ?? ABSENT }
  const found = new Map<string, Problem[]>()
  for (const { qube, device, at } of required) {
    const seen = absentDevice(device, places)
    if (seen?.status !== 'present') continue
    const message = `it would not start: ${seen.value.message}`
    found.set(qube, [...(found.get(qube) ?? []), located({ ...seen.value, message }, at)])
  }
  return found
}

const ABSENT = { status: 'absent' } as const

function requiredIn(
  { qubes }: DesiredState,
  name: string,
): readonly { readonly qube: string; readonly device: Device; readonly at: Problem['at'] }[] {
  return [...(qubes.get(name)?.settings.values() ?? [])].flatMap(({ path, value, position }) => {
    const isRequired =
      typeof value === 'object' && value !== null && 'mode' in value && value.mode === 'required'
    return isDevice(path) && isRequired ? [{ qube: name, device: deviceOf(path), at: position }] : []
  })
}
