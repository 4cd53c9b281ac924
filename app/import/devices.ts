import { type AvailableDevice, mapLimited } from '../../reconciler/index.ts'
import { type NamedDevice } from '../../spec/export/index.ts'
import { USB_DEVICE } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type ConnectedHost } from '../host/index.ts'
import { uniqueName } from './device-names.ts'
import { type ImportedQube } from './read.ts'

/** Names for all devices that the qubes have assigned: of what is plugged in, its own words. */
export async function nameDevices(
  qubes: readonly ImportedQube[],
  connected: ConnectedHost,
  context: Context,
): Promise<ReadonlyMap<string, NamedDevice>> {
  const assigned = qubes.flatMap(({ settings }) => [...settings.keys()].flatMap(deviceIn))
  const devices = [...new Map(assigned.map((device) => [device.key, device])).values()]
    // Devices of one description are told apart by a number: the same one gets the same number.
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const running = new Set(connected.qubes.filter(({ state }) => state === 'Running').map(({ name }) => name))
  const backends = [...new Set(devices.map(({ backend }) => backend))].filter((name) => running.has(name))
  const plugged = (await mapLimited(backends, 8, (name) => available(name, connected, context))).flat()
  const taken = new Set<string>()
  return new Map(
    devices.map((device) => {
      const found = plugged.find((candidate) => fits(candidate, device))
      const description = found === undefined || found.description === '' ? null : found.description
      return [device.key, { name: uniqueName(description ?? device.fallback, taken), description }]
    }),
  )
}

interface Assigned {
  readonly key: string
  readonly backend: string
  readonly port: string
  readonly identity: string
  /** Words for a name where the device is not there to be asked. */
  readonly fallback: string
}

function deviceIn(path: string): readonly Assigned[] {
  const key = path.slice('usb/'.length)
  const { backend, port, identity } = USB_DEVICE.exec(path.startsWith('usb/') ? key : '')?.groups ?? {}
  if (backend === undefined || port === undefined || identity === undefined) return []
  const [vendor = '', product = ''] = identity.split(':')
  const fallback = identity === '*' ? `port ${port}` : `usb ${vendor} ${product}`
  return [{ key, backend, port, identity, fallback }]
}

const fits = (found: AvailableDevice, { backend, port, identity }: Assigned): boolean =>
  found.backend === backend &&
  (port === '*' || found.port === port) &&
  (identity === '*' || found.identity === identity)

/** Without these a device has no name of its own; nothing else depends on it. */
async function available(
  backend: string,
  { host }: ConnectedHost,
  { warn }: Context,
): Promise<readonly AvailableDevice[]> {
  const found = await host.availableDevices(backend)
  if (found.status === 'unknown') {
    const message = `USB devices of ${backend} get names that are not their own: ${found.problem.message}`
    warn({ code: 'devices-unknown', message, hint: found.problem.hint })
  }
  return found.status === 'present' ? found.value : []
}
