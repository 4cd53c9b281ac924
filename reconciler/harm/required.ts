import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Device, overlaps } from '../plan/index.ts'
import { type AvailableDevice, type HostQube, type Observation } from '../ports/index.ts'

/** Where devices are looked for. */
export interface DevicePlaces {
  readonly listed: (qube: string) => HostQube | undefined
  readonly plugged: (backend: string) => Observation<readonly AvailableDevice[]>
}

/** Why a device is not where a qube needs it at its start; null: it is there; unknown: that cannot be told. */
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
  const elsewhere = there.find((one) => identity !== '*' && one.identity === identity)
  if (elsewhere !== undefined)
    return missing(
      name,
      `it is on port ${elsewhere.port} now`,
      `plug it into port ${port}, or assign it on any port: "${backend}+*:${identity}"`,
    )
  const instead = there.find((one) => port !== '*' && one.port === port)
  const what = instead === undefined ? 'it is not plugged in' : `${port} has ${instead.identity} now`
  return missing(name, what, `plug it in, or take the assignment out of the spec; ${OTHERWISE}`)
}

const OTHERWISE = '`auto-attach` does without it'

const missing = (name: string, why: string, hint: string): Observation<Problem> => ({
  status: 'present',
  value: problem('device-absent', `the device ${name} is required, and ${why}`, hint),
})
