import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Device, nearMatch, overlaps } from '../plan/index.ts'
import { type AvailableDevice, type HostQube, type Observation } from '../ports/index.ts'

/** Where devices are looked for. */
export interface DevicePlaces {
  readonly listed: (qube: string) => HostQube | undefined
  readonly plugged: (backend: string) => Observation<readonly AvailableDevice[]>
}

/** Why a device is not where a qube needs it at its start; null: it is; unknown: that cannot be read. */
export function absentDevice(
  device: Device,
  { listed, plugged }: DevicePlaces,
): Observation<Problem> | undefined {
  const { backend, port, identity } = device
  const name = `${backend}+${port}:${identity}`
  const source = listed(backend)
  if (source?.state === 'Halted')
    return missing(
      name,
      `${backend} is not running`,
      `\`qvm-start ${backend}\` first, and let it start with the host: \`qvm-prefs ${backend} autostart True\`; ${OTHERWISE}`,
    )
  const seen = plugged(backend)
  if (seen.status === 'unknown') return seen
  const there = seen.status === 'present' ? seen.value : []
  if (there.some((one) => overlaps(device, one))) return undefined
  const near = nearMatch(device, there)
  const plug = near?.hint ?? 'plug it in, or take the assignment out of the spec'
  return missing(name, near?.text ?? 'it is not plugged in', `${plug}; ${OTHERWISE}`)
}

const OTHERWISE = '`auto-attach` does without it'

const missing = (name: string, why: string, hint: string): Observation<Problem> => ({
  status: 'present',
  value: problem('device-absent', `the device ${name} is required, and ${why}`, hint),
})
