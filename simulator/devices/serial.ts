import {
  ascii,
  type Assignment,
  ASSIGNMENT_MODES,
  BEHAVIOUR,
  decodeComplaint,
  type Host,
  protocolError,
  repr,
  splitOnce,
  unhandled,
} from '../host/index.ts'
import { attachedTo, interfacesOf, type UsbDevice } from './devices.ts'

/** `key='value'` lists, in which qubesd prints devices and assignments, and takes assignments. */

/** What `BACKEND+PORT:DEVICE_ID` names; a device that is not there can be named too. */
export interface DeviceName {
  readonly backend: string | null
  readonly port: string
  readonly deviceId: string
}

/** qrexec has no `:` and no `*` in arguments: `+` and `_` stand for them. */
export function parseDeviceName(arg: string, host: Host): DeviceName {
  const parts = splitOnce(arg, '+')
  if (!parts) throw unhandled('no backend in the argument')
  const [backend, rest] = parts
  const any = backend === '_' || backend === '*'
  if (!any && !host.qubes.has(backend)) throw unhandled(`no backend ${backend}`)
  const identity = rest.replaceAll('+', ':')
  const [port, id] = splitOnce(identity, ':') ?? [identity, '']
  const deviceId = (id === '_' ? '*' : id).replaceAll('_______', '?******')
  return { backend: any ? null : backend, port: port === '_' ? '*' : port, deviceId: deviceId || '*' }
}

export function printName(name: DeviceName): string {
  return `${name.backend ?? '*'}:${name.port}:${name.deviceId}`
}

function pair(key: string, value: string): string {
  return `${key}='${value.replaceAll("'", "\\'")}'`
}

function nameFields(name: DeviceName): string[] {
  return [
    pair('device_id', name.deviceId),
    pair('port_id', name.port),
    pair('devclass', 'usb'),
    pair('backend_domain', name.backend ?? '*'),
  ]
}

export function printExposed(host: Host, device: UsbDevice): string {
  const { shown } = device
  const known = BEHAVIOUR[host.release].deviceFields.flatMap((key) =>
    shown[key] ? [pair(key, shown[key])] : [],
  )
  const attached = attachedTo(host, device)
  const name = { backend: device.backend.name, port: shown.port, deviceId: device.deviceId }
  return [
    ...nameFields(name),
    known.join(' '),
    ...(attached ? [pair('attachment', attached.name)] : []),
    pair('interfaces', interfacesOf(shown).join('')),
  ].join(' ')
}

export function printAssignment(assignment: Assignment): string {
  const fields = [...nameFields(assignment), pair('mode', assignment.mode)]
  if (assignment.frontend !== null) fields.push(pair('frontend_domain', assignment.frontend))
  for (const [key, value] of assignment.options) fields.push(pair(`_${key}`, value))
  return fields.join(' ')
}

/** Reads what a client wants assigned. Every mistake is a protocol error with Python's own words. */
export function parseAssignment(payload: Buffer, expected: DeviceName, host: Host): Assignment {
  const { properties, options } = unpack(payload)
  const backend = expected.backend ?? '*'
  expect(
    properties,
    'backend_domain',
    backend,
    (got) => `Got device exposed by ${got}when expected devices from ${backend}.`,
  )
  expect(
    properties,
    'port_id',
    expected.port,
    (got) => `Got device from port: ${got} when expected port: ${expected.port}.`,
  )
  expect(properties, 'devclass', 'usb', (got) => `Got ${got} device when expected usb.`)
  const deviceId = properties.get('device_id') ?? expected.deviceId
  if (expected.deviceId !== '*' && deviceId !== expected.deviceId) {
    throw protocolError(`Unrecognized device identity '${deviceId}' expected '${expected.deviceId}'`)
  }
  properties.delete('device_id')
  const known = ['mode', 'frontend_domain']
  const other = [...properties.keys()].find((key) => !known.includes(key))
  if (other !== undefined) throw protocolError(unexpectedKeyword(other))
  const wanted = properties.get('mode') ?? 'manual'
  const mode = ASSIGNMENT_MODES.find((candidate) => candidate === wanted)
  if (mode === undefined) throw protocolError(`${repr(wanted)} is not a valid AssignmentMode`)
  const frontend = properties.get('frontend_domain') ?? null
  if (frontend !== null && expected.backend === null) throw protocolError('Cannot determine backend domain')
  if (frontend !== null && !host.qubes.has(frontend)) throw protocolError(repr(frontend))
  return { backend: expected.backend, port: expected.port, deviceId, mode, frontend, options }
}

function unexpectedKeyword(key: string): string {
  const twice = ['device', 'options', 'port'].includes(key)
  return twice
    ? `DeviceAssignment.__init__() got multiple values for keyword argument '${key}'`
    : `DeviceAssignment.__init__() got an unexpected keyword argument '${key}'`
}

function expect(
  properties: Map<string, string>,
  key: string,
  wanted: string,
  complain: (got: string) => string,
): void {
  const got = properties.get(key) ?? wanted
  if (got !== wanted) throw protocolError(complain(got))
  properties.delete(key)
}

function unpack(payload: Buffer): { properties: Map<string, string>; options: Map<string, string> } {
  const text = ascii(payload)?.trim()
  if (text === undefined) throw protocolError(decodeComplaint(payload))
  const properties = new Map<string, string>()
  const options = new Map<string, string>()
  if (text === '') return { properties, options }
  let [key, rest] = splitOnce(text, "='") ?? [text, '']
  for (;;) {
    const name = sanitizeKey(key.trim())
    const more = splitOnce(rest, "='")
    // A value ends at the last quote and blank before the next key; the very last one at the end.
    const end = more ? more[0].lastIndexOf("' ") : -1
    const value = sanitizeValue(more ? more[0].slice(0, Math.max(end, 0)) : rest.slice(0, -1))
    if (name.startsWith('_')) options.set(name.slice(1), value)
    else properties.set(name, value)
    if (!more) return { properties, options }
    key = end === -1 ? more[0] : more[0].slice(end + 2)
    rest = more[1]
  }
}

function sanitizeKey(key: string): string {
  return sanitize(key, /[^0-9A-Za-z!#$%&()*+,\-./:;<>?@[\\\]^_{|}~]/g, 'Invalid chars in property name: ')
}

function sanitizeValue(value: string): string {
  return sanitize(value.replaceAll("\\'", "'"), /[^\x20-\x7e]/g, 'Invalid chars in property value: ')
}

function sanitize(text: string, refused: RegExp, complaint: string): string {
  const found = [...new Set(text.match(refused) ?? [])]
  if (found.length === 0) return text
  throw protocolError(`${complaint}{${found.map(repr).join(', ')}}`)
}
