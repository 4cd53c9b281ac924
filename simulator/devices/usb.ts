import {
  type Assignment,
  assignmentKey,
  type AssignmentMode,
  BEHAVIOUR,
  Failure,
  fire,
  firePre,
  type Host,
  isHalted,
  isRunning,
  permissionDenied,
  protocolError,
  type Qube,
  repr,
  str,
  unhandled,
  valueError,
} from '../host/index.ts'
import { read, splitInterfaces } from '../properties/index.ts'
import { interfaceName } from './class-names.ts'
import {
  attachedDevices,
  attachedTo,
  bySpecificity,
  candidates,
  connectDevice,
  deviceAt,
  disconnectDevice,
  interfacesOf,
  isEmptyPort,
  printDevice,
  type UsbDevice,
} from './devices.ts'
import { type DeviceName, printName } from './serial.ts'

/** Assignment and attachment of USB devices. */

export function assign(host: Host, qube: Qube, assignment: Assignment): void {
  const name = printName(assignment)
  if (qube.assignments.has(assignmentKey(assignment))) {
    throw new Failure('DeviceAlreadyAssigned', repr(`usb device ${name} already assigned to ${qube.name}`))
  }
  if (assignment.mode === 'manual') throw unhandled('only automatic attachment can be assigned')
  // Entered before it is checked: what fails below stays, until the daemon restarts.
  qube.assignments.set(assignmentKey(assignment), assignment)
  const fields = { device: name, options: printOptions(assignment.options) }
  firePre(host, qube, 'device-pre-assign:usb', fields)
  refuseOptions(assignment, 'assignment')
  fire(host, qube, 'device-assign:usb', fields)
}

export function unassign(host: Host, qube: Qube, name: DeviceName): void {
  if (!qube.assignments.delete(assignmentKey(name))) {
    throw new Failure('DeviceNotAssigned', repr(`usb device ${printName(name)} not assigned to ${qube.name}`))
  }
  fire(host, qube, 'device-unassign:usb', { device: printName(name) })
}

export function setMode(host: Host, qube: Qube, name: DeviceName, mode: AssignmentMode): void {
  const assignment = qube.assignments.get(assignmentKey(name))
  if (!assignment) throw valueError(`Device ${printName(name)} not assigned to ${qube.name}`)
  if (assignment.mode === mode) return
  firePre(host, qube, 'device-pre-assign:usb', {
    device: printName(name),
    options: printOptions(assignment.options),
  })
  refuseOptions(assignment, 'assignment')
  // Taken out and put in again, so that it moves to the end.
  qube.assignments.delete(assignmentKey(name))
  qube.assignments.set(assignmentKey(name), { ...assignment, mode })
  fire(host, qube, 'device-assignment-changed:usb', { device: printName(name) })
}

/** What the daemon makes of a device's name: all about the device if it is the one that is there. */
export function deviceNamed(host: Host, name: DeviceName): UsbDevice | undefined {
  if (name.backend === null || name.port === '*' || name.deviceId === '*') return undefined
  const device = deviceAt(host, host.qubes.get(name.backend), name.port)
  return device?.deviceId === name.deviceId ? device : undefined
}

/** The denial of interfaces binds those who attach by hand only. */
export function refuseDenied(
  host: Host,
  qube: Qube,
  device: UsbDevice | undefined,
  mode: AssignmentMode,
): void {
  if (mode !== 'manual') return
  const denied = splitInterfaces(str(read(host, qube, 'devices_denied') ?? ''))
  if (denied.length === 0) return
  if (!device) throw permissionDenied('Could not load interfaces to verify against denied list')
  for (const pattern of denied) {
    const banned = interfacesOf(device.shown).find((code) => fits(pattern, code))
    if (banned !== undefined)
      throw permissionDenied(`Device exposes a banned interface: ${interfaceName(banned)}`)
  }
}

function fits(pattern: string, code: string): boolean {
  return Array.from(pattern).every((char, i) => char === '*' || char === code[i])
}

export function attach(host: Host, qube: Qube, wanted: Assignment): void {
  if (isHalted(qube)) {
    const message = 'VM not running, cannot attach device, do you mean `assign`?'
    throw new Failure('QubesVMNotRunningError', message)
  }
  const device = theDevice(host, wanted)
  if (attachedTo(host, device) === qube) {
    const message = `device ${printDevice(device)} of class usb already attached to ${qube.name}`
    throw new Failure('DeviceAlreadyAttached', repr(message))
  }
  const fields = { device: printDevice(device), options: printOptions(wanted.options) }
  firePre(host, qube, 'device-pre-attach:usb', fields)
  refuseOptions(wanted, 'attach')
  moveTo(host, qube, device)
  fire(host, qube, 'device-attach:usb', fields)
}

function theDevice(host: Host, wanted: Assignment): UsbDevice {
  const found = candidates(host, wanted)
  if (found.length === 1 && found[0]) return found[0]
  if (isEmptyPort(host, wanted) && !BEHAVIOUR[host.release].ignoresEmptyPorts) {
    throw protocolError(`usb device not recognized in ${wanted.port} port.`)
  }
  throw protocolError('Cannot attach ambiguous usb device.')
}

function moveTo(host: Host, qube: Qube, device: UsbDevice): void {
  if (qube.klass === 'AdminVM') return
  const holder = attachedTo(host, device)
  if (holder) {
    throw new Failure(
      'DeviceAlreadyAttached',
      repr(`Device ${printDevice(device)} already attached to ${holder.name}`),
    )
  }
  connectDevice(host, device, qube)
}

/** Only the port counts. */
export function detach(host: Host, qube: Qube, port: string): void {
  const device = attachedDevices(host, qube).find((candidate) => candidate.shown.port === port)
  if (!device) throw new Failure('DeviceNotAssigned', repr(`usb device ${port} not attached to ${qube.name}`))
  const required = [...qube.assignments.values()].some(
    (assignment) =>
      assignment.mode === 'required' && candidates(host, assignment).some((one) => sameDevice(one, device)),
  )
  if (required) {
    const message =
      'Can not detach a required device from a non halted qube. You need to unassign device first.'
    throw new Failure('QubesVMNotHaltedError', message)
  }
  const fields = { port: `${device.backend.name}:${port}` }
  firePre(host, qube, 'device-pre-detach:usb', fields)
  disconnectDevice(host, device)
  fire(host, qube, 'device-detach:usb', fields)
}

function sameDevice(a: UsbDevice, b: UsbDevice): boolean {
  return a.backend === b.backend && a.shown.port === b.shown.port
}

/** What is attached: as it was assigned, or else as by hand. */
export function attachments(host: Host, qube: Qube): Assignment[] {
  return attachedDevices(host, qube).map((device): Assignment => {
    const name = { backend: device.backend.name, port: device.shown.port, deviceId: device.deviceId }
    const assigned = qube.assignments.get(assignmentKey(name))
    return assigned ?? { ...name, mode: 'manual', frontend: qube.name, options: new Map() }
  })
}

/** Attaches what is assigned and free. Nobody answers a question here, so what wants to ask stays off. */
export function attachAssigned(host: Host, qube: Qube): void {
  if (!isRunning(qube) || qube.klass === 'AdminVM') return
  const chosen = new Map<string, { device: UsbDevice; assignment: Assignment }>()
  for (const assignment of [...qube.assignments.values()].sort(bySpecificity)) {
    for (const device of candidates(host, assignment)) {
      if (!attachedTo(host, device) && !chosen.has(printDevice(device))) {
        chosen.set(printDevice(device), { device, assignment })
      }
    }
  }
  for (const [name, { device, assignment }] of chosen) {
    if (assignment.mode === 'ask-to-attach' || assignment.options.size > 0) continue
    connectDevice(host, device, qube)
    fire(host, qube, 'device-attach:usb', { device: name, options: printOptions(assignment.options) })
  }
}

/** The first assignment that keeps a qube from starting: required, and no such device. */
export function missingRequired(host: Host, qube: Qube): Assignment | undefined {
  return [...qube.assignments.values()].find(
    (assignment) => assignment.mode === 'required' && candidates(host, assignment).length === 0,
  )
}

function refuseOptions(assignment: Assignment, what: string): void {
  if (assignment.options.size === 0) return
  throw new Failure('QubesException', `USB device ${what} does not support user options`)
}

/** A dictionary as Python prints it. */
function printOptions(options: ReadonlyMap<string, string>): string {
  return `{${[...options].map(([key, value]) => `${repr(key)}: ${repr(value)}`).join(', ')}}`
}
