import {
  deniedAdd,
  deniedRemove,
  type Mode,
  usbAssign,
  usbAttach,
  usbDetach,
  type UsbDevice,
  usbSetMode,
  usbUnassign,
} from '../qubesd/index.ts'
import {
  type HostCall,
  type Observation,
  type PresentDevice,
  type Provider,
  type Reading,
  type SettingChange,
} from '../reconciler/index.ts'
import { type Assignment, UNNAMED_DISPOSABLE, USB_DEVICE, type Value } from '../spec/index.ts'

const DENIED = 'usb/denied/'
const NEEDS_DENIED = { kind: 'denied' } as const
const NEEDS_ASSIGNED = { kind: 'usb' } as const

/** USB assignments by port, by identity or by both, and denied interfaces. */
export const usb: Provider = {
  area: 'usb',
  need: (path) => (path.startsWith(DENIED) ? NEEDS_DENIED : NEEDS_ASSIGNED),
  decode: (path, reading) =>
    path.startsWith(DENIED) ? decodeDenied(path, reading) : decodeDevice(path, reading),
  // Options are not for a spec to say, and differ from none.
  normalize: (_, value) => (optionsOf(value) === undefined ? value : { mode: modeOf(value) }),
  calls: (change) => (change.path.startsWith(DENIED) ? deniedCalls(change) : deviceCalls(change)),
  // Attaching is what happens at start, resume or when the device is plugged in; a denial counts at the next attach.
  effect: (path) => (path.startsWith(DENIED) ? 'now' : 'next-start'),
  remark(path, value, { qube: { klass, name } }) {
    if (path.startsWith(DENIED) || value === null) return undefined
    if (klass === 'DispVM' && UNNAMED_DISPOSABLE.test(name))
      return 'goes with this disposable, which is deleted when it is shut down'
    if (modeOf(value) === 'required') return 'the qube does not start while the device is absent'
    return undefined
  },
}

function decodeDevice(path: string, reading: Reading): Observation<Value> {
  const assigned = reading.usb()
  if (assigned.status !== 'present') return assigned
  const device = deviceOf(path)
  const found = assigned.value.find(
    (a) => a.backend === device.backend && a.port === device.port && a.identity === device.identity,
  )
  if (found === undefined) return { status: 'absent' }
  const { mode, options } = found
  return { status: 'present', value: { mode, ...(options === undefined ? {} : { options }) } }
}

function decodeDenied(path: string, reading: Reading): Observation<Value> {
  const denied = reading.denied()
  if (denied.status !== 'present') return denied
  return denied.value.includes(path.slice(DENIED.length))
    ? { status: 'present', value: true }
    : { status: 'absent' }
}

function deviceCalls({ qube, path, before, after }: SettingChange): readonly HostCall[] {
  const device = deviceOf(path)
  if (after === null) return [usbUnassign(qube, device)]
  const mode = modeOf(after)
  const options = optionsOf(after)
  if (before === null) return [usbAssign(qube, device, mode, options)]
  // The mode alone can be changed in place, and leaves the options what they are.
  if (options === undefined || JSON.stringify(options) === JSON.stringify(optionsOf(before)))
    return [usbSetMode(qube, device, mode)]
  return [usbUnassign(qube, device), usbAssign(qube, device, mode, options)]
}

function deniedCalls({ qube, path, after }: SettingChange): readonly HostCall[] {
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

const optionsOf = (value: Value | null): Assignment['options'] =>
  typeof value === 'object' && value !== null && 'mode' in value ? value.options : undefined

function modeOf(value: Value | null): Mode {
  if (typeof value === 'object' && value !== null && 'mode' in value) return value.mode
  throw new Error('an assignment has a mode')
}

/** Attaches a device to a running qube now; an assignment is another matter. */
export const attachCall = (qube: string, device: PresentDevice): HostCall => usbAttach(qube, device)

/** Detaches it now; an assignment stays. */
export const detachCall = (qube: string, device: PresentDevice): HostCall => usbDetach(qube, device)
