import { located, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredState } from '../../spec/index.ts'
import { type Device, deviceOf, type Note, type QubePlan, takesByItself, unattached } from '../plan/index.ts'
import { type AvailableDevice, type Observation, type UsbAssignment } from '../ports/index.ts'
import { type HarmContext } from './facts.ts'
import { inState } from './hindrances.ts'
import { absentDevice, type DevicePlaces } from './required.ts'

/**
 * Plans with what keeps their qubes from the next start, as far as spec and list show it: required devices that are not where the spec
 * says, which takes a call for each qube that they are from, and states in which nothing happens to a qube. Of other devices from these
 * qubes a note says which are not plugged in, or not attached.
 */
export async function withHindrances(
  plans: readonly QubePlan[],
  desired: DesiredState,
  context: HarmContext & { readonly asksForDevices: boolean },
): Promise<readonly QubePlan[]> {
  const there = new Map(context.qubes.map((qube) => [qube.name, qube]))
  const listed: DevicePlaces['listed'] = (name) => there.get(name)
  const plugged = context.asksForDevices ? await readPlugged(plans, desired, listed, context) : NONE
  const places = { listed, plugged: (backend: string) => plugged.get(backend) ?? ABSENT }
  return plans.map((plan) => {
    const qube = there.get(plan.qube)
    const still = plan.state === undefined || qube === undefined ? [] : inState({ qube })
    const hindered = [
      ...still.flatMap((seen) => (seen.status === 'present' ? [seen.value] : [])),
      ...(context.asksForDevices ? absentFrom(plan.qube, desired, places) : []),
    ]
    const notes = deviceNotes(plan, desired, plugged)
    if (hindered.length + notes.length === 0) return plan
    return {
      ...plan,
      ...(hindered.length === 0 ? {} : { hindered }),
      ...(notes.length === 0 ? {} : { notes: [...plan.notes, ...notes] }),
    }
  })
}

const ABSENT = { status: 'absent' } as const

type Plugged = ReadonlyMap<string, Observation<readonly AvailableDevice[]>>

const NONE: Plugged = new Map()

/** By backend. */
async function readPlugged(
  plans: readonly QubePlan[],
  desired: DesiredState,
  listed: DevicePlaces['listed'],
  { host }: HarmContext,
): Promise<Plugged> {
  const plugged = new Map<string, Observation<readonly AvailableDevice[]>>()
  for (const { backend } of plans.flatMap(({ qube }) => devicesIn(desired, qube).filter(isRequired))) {
    if (backend === '*' || plugged.has(backend) || listed(backend)?.state === 'Halted') continue
    plugged.set(backend, await host.availableDevices(backend))
  }
  return plugged
}

const absentFrom = (qube: string, desired: DesiredState, places: DevicePlaces): readonly Problem[] =>
  devicesIn(desired, qube)
    .filter(isRequired)
    .flatMap((device) => {
      const seen = absentDevice(device, places)
      if (seen?.status !== 'present') return []
      return [located({ ...seen.value, message: `it would not start: ${seen.value.message}` }, device.at)]
    })

/** Devices that the qube does not have, though the spec gives them to it, where nothing else of the plan says so. */
function deviceNotes(
  { qube, running, state, changes, waiting }: QubePlan,
  desired: DesiredState,
  plugged: Plugged,
): readonly Note[] {
  if (plugged.size === 0 || state !== undefined) return []
  const told = new Set([...waiting, ...changes.map(({ path }) => path)])
  return devicesIn(desired, qube).flatMap((device) => {
    const seen = plugged.get(device.backend)
    const why = seen?.status === 'present' ? unattached(qube, device.path, seen.value) : undefined
    if (why === undefined) return []
    const isTold = why.code === 'device-absent' ? isRequired(device) : !running || told.has(device.path)
    const text = why.hint === '' ? why.message : `${why.message}; ${why.hint}`
    return isTold ? [] : [{ kind: 'device' as const, path: device.path, text }]
  })
}

interface DesiredDevice extends Device {
  readonly path: string
  readonly mode: UsbAssignment['mode']
  readonly at: Problem['at']
}

const isRequired = ({ mode }: DesiredDevice): boolean => mode === 'required'

/** Devices that the spec gives a qube without asking. */
const devicesIn = ({ qubes }: DesiredState, name: string): readonly DesiredDevice[] =>
  [...(qubes.get(name)?.settings.values() ?? [])].flatMap(({ path, value, position }) =>
    typeof value === 'object' && value !== null && 'mode' in value && takesByItself(path, value)
      ? [{ ...deviceOf(path), path, mode: value.mode, at: position }]
      : [],
  )
