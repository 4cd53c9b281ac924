import { type Call } from './codec.ts'

/**
 * Builders of the calls that change something. Pure, so that a plan can show exactly what an apply will send.
 * Their arguments have been validated: names match what Qubes accepts, values are printable ASCII.
 */

export type Mode = 'auto-attach' | 'ask-to-attach' | 'required'

/** A device as an assignment names it. Port or identity, not both, may be `*`. */
export interface UsbDevice {
  readonly backend: string
  readonly port: string
  readonly identity: string
}

const call = (dest: string, method: string, arg = '', payload = ''): Call => ({ dest, method, arg, payload })

export const featureSet = (qube: string, name: string, value: string): Call =>
  call(qube, 'admin.vm.feature.Set', name, value)

export const featureRemove = (qube: string, name: string): Call => call(qube, 'admin.vm.feature.Remove', name)

export const propertySet = (qube: string, name: string, value: string): Call =>
  call(qube, 'admin.vm.property.Set', name, value)

/** Back to the default. */
export const propertyReset = (qube: string, name: string): Call => call(qube, 'admin.vm.property.Reset', name)

export const tagSet = (qube: string, name: string): Call => call(qube, 'admin.vm.tag.Set', name)

export const tagRemove = (qube: string, name: string): Call => call(qube, 'admin.vm.tag.Remove', name)

/** Denies interfaces, each `u` and six characters, for manual attach. */
export const deniedAdd = (qube: string, pattern: string): Call =>
  call(qube, 'admin.vm.device.denied.Add', '', pattern)

export const deniedRemove = (qube: string, pattern: string): Call =>
  call(qube, 'admin.vm.device.denied.Remove', '', pattern)

/** Assigns without attaching. */
export function usbAssign(
  qube: string,
  device: UsbDevice,
  mode: Mode,
  options: Readonly<Record<string, string>> = {},
): Call {
  const own = Object.fromEntries(Object.entries(options).map(([key, value]) => [`_${key}`, value]))
  const payload = `${devicePayload(device, mode, own)} frontend_domain='${qube}'`
  return call(qube, 'admin.vm.device.usb.Assign', deviceArgument(device), payload)
}

function devicePayload(
  device: UsbDevice,
  mode: Mode | 'manual',
  more: Readonly<Record<string, string>> = {},
): string {
  const fields = {
    device_id: device.identity,
    port_id: device.port,
    devclass: 'usb',
    backend_domain: device.backend,
    mode,
    ...more,
  }
  const pairs = Object.entries(fields).map(([key, value]) => `${key}='${value.replaceAll("'", "\\'")}'`)
  return pairs.join(' ')
}

export const usbUnassign = (qube: string, device: UsbDevice): Call =>
  call(qube, 'admin.vm.device.usb.Unassign', deviceArgument(device))

/** Attaches now, to a running qube. */
export function usbAttach(qube: string, device: UsbDevice): Call {
  return call(qube, 'admin.vm.device.usb.Attach', deviceArgument(device), devicePayload(device, 'manual'))
}

/** Detaches now; an assignment stays. */
export const usbDetach = (qube: string, device: UsbDevice): Call =>
  call(qube, 'admin.vm.device.usb.Detach', deviceArgument(device))

/** Changes the mode of an assignment that is there. */
export const usbSetMode = (qube: string, device: UsbDevice, mode: Mode): Call =>
  call(qube, 'admin.vm.device.usb.Set.assignment', deviceArgument(device), mode)

/**
 * The device as a call argument. qrexec takes neither `:` nor `*` nor `?`, so that `+` and `_` stand for them;
 * qubesd reads both spellings, and one spelling everywhere keeps policy lines the same in dom0 and outside.
 */
function deviceArgument(device: UsbDevice): string {
  const text = `${device.backend}+${device.port}:${device.identity}`
  return text.replaceAll('?******', '_______').replaceAll(':', '+').replaceAll('*', '_')
}

/** Whether a call changes something on the host. */
export function isWrite(method: string): boolean {
  return !/\.(?:List|Info|Get|GetAll|GetDefault|CheckWith[A-Za-z]+|Available|Assigned|Attached|CurrentState|Events)$/.test(
    method,
  )
}
