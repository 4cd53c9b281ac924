import {
  type Assignment,
  byCodePoint,
  type Host,
  isRunning,
  type Qube,
  qubesInOrder,
  type UsbFixture,
} from '../host/index.ts'

/** A device that a running qube exposes. */
export interface UsbDevice {
  readonly backend: Qube
  readonly shown: UsbFixture
  /** Its identity whatever the port: `vendor:product:serial:interfaces`. */
  readonly deviceId: string
}

export function exposed(host: Host, backend: Qube): UsbDevice[] {
  if (!isRunning(backend)) return []
  return (host.usb.get(backend.name) ?? []).map((shown) => ({ backend, shown, deviceId: deviceId(shown) }))
}

export function deviceAt(host: Host, backend: Qube | undefined, port: string): UsbDevice | undefined {
  return backend && exposed(host, backend).find((device) => device.shown.port === port)
}

/** Each interface is `u` and six hex digits; a device that shows none counts as one of unknown kind. */
export function interfacesOf(shown: UsbFixture): string[] {
  return shown.interfaces.length === 0 ? ['?******'] : shown.interfaces.map((code) => `u${code}`)
}

function deviceId(shown: UsbFixture): string {
  return `${shown.vendor_product}:${shown.serial ?? ''}:${interfacesOf(shown).join('')}`
}

export function printDevice(device: UsbDevice): string {
  return `${device.backend.name}:${device.shown.port}:${device.deviceId}`
}

/** The qube that a device is attached to. */
export function attachedTo(host: Host, device: UsbDevice): Qube | undefined {
  const name = host.attachments.get(`${device.backend.name} ${device.shown.port}`)
  return name === undefined ? undefined : host.qubes.get(name)
}

export function attachedDevices(host: Host, qube: Qube): UsbDevice[] {
  if (!isRunning(qube)) return []
  return qubesInOrder(host)
    .flatMap((backend) => exposed(host, backend))
    .filter((device) => attachedTo(host, device) === qube)
}

/** Stands for the call into the backend that moves a device to a qube. */
export function connectDevice(host: Host, device: UsbDevice, qube: Qube): void {
  host.attachments.set(`${device.backend.name} ${device.shown.port}`, qube.name)
}

export function disconnectDevice(host: Host, device: UsbDevice): void {
  host.attachments.delete(`${device.backend.name} ${device.shown.port}`)
}

/** Whether an assignment means this device: `*` stands for any port, or any identity. */
function matches(assignment: Assignment, device: UsbDevice): boolean {
  return (
    assignment.backend === device.backend.name &&
    (assignment.port === '*' || assignment.port === device.shown.port) &&
    (assignment.deviceId === '*' || assignment.deviceId === device.deviceId)
  )
}

/** Everything an assignment may mean right now. */
export function candidates(host: Host, assignment: Assignment): UsbDevice[] {
  const backend = assignment.backend === null ? undefined : host.qubes.get(assignment.backend)
  if (!backend || assignment.deviceId === '0000:0000::?******') return []
  return exposed(host, backend).filter((device) => matches(assignment, device))
}

/** Where a port is named and empty, the daemon speaks of an unknown device there, not of none. */
export function isEmptyPort(host: Host, assignment: Assignment): boolean {
  if (assignment.port === '*' || assignment.backend === null) return false
  return deviceAt(host, host.qubes.get(assignment.backend), assignment.port) === undefined
}

/** The most specific assignment first: the order of automatic attachment. */
export function bySpecificity(a: Assignment, b: Assignment): number {
  const key = (item: Assignment): string[] => [
    item.backend ?? '*',
    item.port,
    ...(item.deviceId === '*' ? [] : [item.deviceId]),
  ]
  const [left, right] = [key(a), key(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = byCodePoint(right[i] ?? '', left[i] ?? '')
    if (order !== 0) return order
  }
  return right.length - left.length
}
