import { type Problem, problem, quote } from '../diagnostics/index.ts'
import { QUBE_NAME, USB_DEVICE, DENIED_INTERFACE } from './settings.ts'

export interface UsbDevice {
  readonly backend: string
  readonly port: string
  readonly identity: string
}

/** A problem of a part of a text: where the part starts, and how long it is. */
export interface PartProblem {
  readonly problem: Problem
  readonly start: number
  readonly length: number
}

const PORT = /^(?:\*|[0-9]+-[0-9]+(?:\.[0-9]+)*)$/
const INTERFACES = /^(?:u[0-9a-f]{6}|\?\*{6}){1,64}$/

export const usbKey = ({ backend, port, identity }: UsbDevice): string => `${backend}+${port}:${identity}`

/** `BACKEND+PORT:IDENTITY` taken apart, or what is wrong with which part of it. */
export function parseUsbKey(key: string): UsbDevice | PartProblem {
  // By number: groups by name are an object more, and thousands of devices are read.
  const [, backend, port, identity] = USB_DEVICE.exec(key) ?? []
  return backend === undefined ||
    port === undefined ||
    identity === undefined ||
    wildProblem(port, identity) !== undefined
    ? explainUsbKey(key)
    : { backend, port, identity }
}

/** The parts are looked at for the sake of the words; the one expression decides. */
function explainUsbKey(key: string): PartProblem {
  const plus = key.indexOf('+')
  const colon = key.indexOf(':', plus + 1)
  if (plus < 0 || colon < 0) {
    const what = problem(
      'bad-device',
      `${quote(key)} is not a USB device`,
      'expected BACKEND+PORT:IDENTITY, such as sys-usb+2-1:* or "sys-usb+*:046d:085b::u0e0100"; `qstate devices` lists them',
    )
    return { problem: what, start: 0, length: key.length }
  }
  const [backend, port, identity] = [key.slice(0, plus), key.slice(plus + 1, colon), key.slice(colon + 1)]
  const parts = [
    [backendProblem(backend), 0, plus],
    [portProblem(port), plus + 1, port.length],
    [identityProblem(identity), colon + 1, identity.length],
    [wildProblem(port, identity), plus + 1, key.length - plus - 1],
  ] as const
  for (const [what, start, length] of parts) if (what !== undefined) return { problem: what, start, length }
  return {
    problem: problem('bad-device', `${quote(key)} is not a USB device`, ''),
    start: 0,
    length: key.length,
  }
}

export function backendProblem(backend: string): Problem | undefined {
  if (QUBE_NAME.test(backend)) return undefined
  return problem(
    'bad-device',
    `the backend ${quote(backend)} is not a qube name`,
    'the qube with the USB controller, such as sys-usb',
  )
}

export function portProblem(port: string): Problem | undefined {
  if (PORT.test(port)) return undefined
  return problem(
    'bad-device',
    `the port ${quote(port)} is not a USB port`,
    'bus and port, such as 2-1 or 2-2.1, or * for any',
  )
}

export function wildProblem(port: string, identity: string): Problem | undefined {
  if (port !== '*' || identity !== '*') return undefined
  return problem(
    'bad-device',
    'neither port nor identity is given',
    'one of the two must say which device is meant: with * for both, every device of the backend is',
  )
}

export function identityProblem(identity: string): Problem | undefined {
  if (identity === '*') return undefined
  const parts = identity.split(':')
  const [vendor = '', product = '', serial = '', interfaces = ''] = parts
  if (parts.length !== 4) {
    return problem(
      'bad-device',
      `the identity ${quote(identity)} has ${parts.length === 1 ? 'one part' : `${parts.length} parts`}`,
      parts.length > 4
        ? 'expected four, VENDOR:PRODUCT:SERIAL:INTERFACES; with a : in the serial Qubes itself cannot name it: name the port, with * for the identity'
        : 'expected four, VENDOR:PRODUCT:SERIAL:INTERFACES (the serial may be empty), or * for any',
    )
  }
  for (const [name, id] of [
    ['vendor', vendor],
    ['product', product],
  ] as const) {
    if (/^[0-9a-f]{4}$/.test(id)) continue
    const hint = /^[0-9a-f]{4}$/i.test(id) ? `write it in lower case: ${id.toLowerCase()}` : 'four hex digits'
    return problem('bad-device', `the ${name} ${quote(id)} of the identity is malformed`, hint)
  }
  if (!/^(?!.*_{7})[!-),-9;-~]{0,128}$/.test(serial)) {
    return problem(
      'bad-device',
      `the serial ${quote(serial)} of the identity is malformed`,
      'printable ASCII without spaces, +, : and *, and no seven _ in a row, 128 characters at most; Qubes itself cannot name others: name the port, with * for the identity',
    )
  }
  return interfacesProblem(interfaces)
}

function interfacesProblem(interfaces: string): Problem | undefined {
  if (INTERFACES.test(interfaces)) return undefined
  const message = `the interfaces ${quote(interfaces)} of the identity are malformed`
  if (INTERFACES.test(interfaces.toLowerCase())) {
    return problem('bad-device', message, `write them in lower case: ${interfaces.toLowerCase()}`)
  }
  return problem('bad-device', message, 'each is u and six hex digits, one after the other: u030101u030000')
}

/** What is wrong with a pattern of denied interfaces. */
export function deniedProblem(pattern: string): Problem | undefined {
  if (DENIED_INTERFACE.test(pattern)) return undefined
  const lower = pattern.toLowerCase()
  const hint = DENIED_INTERFACE.test(lower)
    ? `write it in lower case: ${lower}`
    : 'expected a class (u USB, b block, m microphone, p PCI, * any) and six hex digits, * for any digit: u080650, u03****, m******'
  return problem('bad-interface', `${quote(pattern)} is not an interface that can be denied`, hint)
}

/** True where one device can fit both. */
export function overlap(a: UsbDevice, b: UsbDevice): boolean {
  const meet = (x: string, y: string): boolean => x === y || x === '*' || y === '*'
  return a.backend === b.backend && meet(a.port, b.port) && meet(a.identity, b.identity)
}

/** The interfaces of a device that a pattern denies. */
export function deniedInterfaces(device: UsbDevice, pattern: string): readonly string[] {
  const interfaces = device.identity.split(':')[3]?.match(/[u?].{6}/g) ?? []
  return interfaces.filter((one) => pattern.split('').every((c, index) => c === '*' || c === one[index]))
}
