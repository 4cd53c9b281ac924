import {
  deniedAdd,
  deniedRemove,
  type Mode,
  usbAssign,
  type UsbDevice,
  usbSetMode,
  usbUnassign,
} from '../qubesd/index.ts'
import {
  type HostCall,
  type Observation,
  type Provider,
  type Reading,
  type Refusal,
  type Release,
  type SettingChange,
} from '../reconciler/index.ts'
import { UNNAMED_DISPOSABLE, USB_DEVICE, type Value } from '../spec/index.ts'

const DENIED = 'usb/denied/'
const NEEDS_DENIED = { kind: 'denied' } as const
const NEEDS_ASSIGNED = { kind: 'usb' } as const

/**
 * USB assignments by port, by identity or by both, and denied interfaces. On 4.2 a device is a port: an identity beside
 * a port cannot be checked there, and an identity alone cannot be said.
 */
export const usb: Provider = {
  area: 'usb',
  need: (path) => (path.startsWith(DENIED) ? NEEDS_DENIED : NEEDS_ASSIGNED),
  decode: (path, reading, { release }) =>
    path.startsWith(DENIED) ? decodeDenied(path, reading) : decodeDevice(path, reading, release),
  normalize: (_, value) => value,
  place: (path, { release }) =>
    release === '4.2' && !path.startsWith(DENIED) ? path.slice(0, path.indexOf(':')) : path,
  calls: (change, { release }) =>
    change.path.startsWith(DENIED) ? deniedCalls(change, release) : deviceCalls(change, release),
  // Attaching is what happens at start, resume or when the device is plugged in; a denial counts at the next attach.
  // On 4.2 assigning to a running qube attaches at once.
  effect: (path, { release }) => (path.startsWith(DENIED) || release === '4.2' ? 'now' : 'next-start'),
  remark(path, value, { release, qube: { klass, name } }) {
    if (path.startsWith(DENIED) || value === null) return undefined
    if (klass === 'DispVM' && UNNAMED_DISPOSABLE.test(name))
      return 'goes with this disposable, which is deleted when it is shut down'
    if (release === '4.2' && deviceOf(path).identity !== '*') {
      return 'Qubes 4.2 knows ports only: any device on this port is attached, whatever its identity'
    }
    if (modeOf(value) === 'required') return 'the qube does not start while the device is absent'
    return undefined
  },
}

function decodeDevice(path: string, reading: Reading, release: Release): Observation<Value> {
  const assigned = reading.usb()
  if (assigned.status !== 'present') return assigned
  const device = deviceOf(path)
  const found = assigned.value.find(
    (a) =>
      a.backend === device.backend &&
      a.port === device.port &&
      (release === '4.2' || a.identity === device.identity),
  )
  return found === undefined ? { status: 'absent' } : { status: 'present', value: { mode: found.mode } }
}

function decodeDenied(path: string, reading: Reading): Observation<Value> {
  const denied = reading.denied()
  if (denied.status !== 'present') return denied
  return denied.value.includes(path.slice(DENIED.length))
    ? { status: 'present', value: true }
    : { status: 'absent' }
}

function deviceCalls(
  { qube, path, before, after }: SettingChange,
  release: Release,
): readonly HostCall[] | Refusal {
  const device = deviceOf(path)
  if (after === null) return [usbUnassign(release, qube, device)]
  const mode = modeOf(after)
  const impossible = release === '4.2' ? notOn42(device, mode) : undefined
  if (impossible !== undefined) return impossible
  return [before === null ? usbAssign(release, qube, device, mode) : usbSetMode(qube, device, mode)]
}

function notOn42(device: UsbDevice, mode: Mode): Refusal | undefined {
  if (device.port === '*') {
    const hint = 'name the port as well; `qstate devices` lists the ports of this host'
    return { refused: 'Qubes 4.2 assigns a port, and this device is named by its identity only', hint }
  }
  if (mode !== 'auto-attach') {
    const hint = 'use auto-attach: it is the one kind of assignment that 4.2 has'
    return { refused: `Qubes 4.2 has no mode ${mode}`, hint }
  }
  return undefined
}

function deniedCalls({ qube, path, after }: SettingChange, release: Release): readonly HostCall[] | Refusal {
  if (release === '4.2') {
    const hint = 'leave usb.denied out for hosts of this release'
    return { refused: 'Qubes 4.2 cannot deny interfaces', hint }
  }
  const pattern = path.slice(DENIED.length)
  return [after === null ? deniedRemove(qube, pattern) : deniedAdd(qube, pattern)]
}

function deviceOf(path: string): UsbDevice {
  // By number: groups by name are an object more.
  const [, backend, port, identity] = USB_DEVICE.exec(path.slice('usb/'.length)) ?? []
  if (backend === undefined || port === undefined || identity === undefined)
    throw new Error(`${path} names no USB device`)
  return { backend, port, identity }
}

function modeOf(value: Value): Mode {
  if (typeof value === 'object' && 'mode' in value) return value.mode
  throw new Error('an assignment has a mode')
}
