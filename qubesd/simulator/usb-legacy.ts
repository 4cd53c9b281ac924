import {
  ascii,
  type Assignment,
  assignmentKey,
  attachedDevices,
  attachedTo,
  byCodePoint,
  connectDevice,
  decodeComplaint,
  deviceAt,
  disconnectDevice,
  exposed,
  Failure,
  fire,
  firePre,
  type Host,
  isHalted,
  isRunning,
  parseBool,
  printOptions,
  protocolError,
  type Qube,
  repr,
  splitOnce,
  unhandled,
  type UsbDevice,
} from '../../simulator/index.ts'

/** USB devices as 4.2 sees them: a port of a backend, without identity, attached for now or persistently. */

interface PortName {
  readonly backend: Qube
  readonly port: string
}

function parsePort(arg: string, host: Host): PortName {
  const parts = splitOnce(arg, '+')
  const backend = parts && host.qubes.get(parts[0])
  if (!backend) throw unhandled('no such backend')
  return { backend, port: parts[1] }
}

const SAFE =
  String.raw`abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!"#$%&'()*+,-./:;<=>?@[\]^_` +
  '`{|}~'

export function printAvailable(host: Host, backend: Qube, only: string): string {
  return exposed(host, backend)
    .filter((device) => only === '' || device.shown.port === only)
    .sort((a, b) => byCodePoint(a.shown.port, b.shown.port))
    .map((device) => `${device.shown.port} ${printProperties(host, device)}\n`)
    .join('')
}

function printProperties(host: Host, device: UsbDevice): string {
  const { shown } = device
  const text = (value: string | null | undefined): string => (value ? value.replaceAll(' ', '_') : 'unknown')
  // The order of a set, as recorded; the daemon's hash seed decides it.
  const fields = [
    ['manufacturer', text(shown.manufacturer)],
    ['product', text(shown.product)],
    ['self_identity', identity(device)],
    ['parent_device', 'None'],
    ['serial', text(shown.serial)],
    ['vendor', text(shown.vendor)],
    ['safe_chars', SAFE],
    ['attachment', attachedTo(host, device)?.name ?? 'None'],
    ['interfaces', '?******'],
    ['name', text(shown.name)],
    ['description', text(shown.description ?? shown.product ?? shown.name)],
  ]
  return fields.map(([key, value]) => `${key}=${value}`).join(' ')
}

/** 4.2 takes the characters of the unknown interface for interfaces, and quotes each. */
function identity(device: UsbDevice): string {
  const interfaces = Array.from('?******', repr).join('')
  return `${device.shown.vendor_product}:${device.shown.serial ?? ''}:${interfaces}`
}

export function printAttached(host: Host, qube: Qube, arg: string): string {
  const only = arg === '' ? undefined : splitOnce(arg, '+')
  if (arg !== '' && !only) throw unhandled('no backend in the argument')
  return assignments(host, qube)
    .filter((item) => !only || (item.backend === only[0] && item.port === only[1]))
    .map((item) => `${item.backend ?? '*'}+${item.port} ${printFlags(item)}\n`)
    .sort(byCodePoint)
    .join('')
}

function printFlags(item: Assignment): string {
  const options = [...item.options].map(([key, value]) => `${key}=${value} `)
  return `${options.join('')}persistent=${item.mode === 'required' ? 'yes' : 'no'}`
}

/** What is persistent, then what is attached beside it. */
function assignments(host: Host, qube: Qube): Assignment[] {
  const loose = attachedDevices(host, qube)
    .map((device): Assignment => ({
      ...named({ backend: device.backend, port: device.shown.port }),
      mode: 'manual',
      options: new Map([['identity', identity(device)]]),
    }))
    .filter((item) => !qube.assignments.has(assignmentKey(item)))
  return [...qube.assignments.values(), ...loose]
}

function named(name: PortName): Pick<Assignment, 'backend' | 'port' | 'deviceId' | 'frontend'> {
  return { backend: name.backend.name, port: name.port, deviceId: '*', frontend: null }
}

export function attachPort(host: Host, qube: Qube, arg: string, payload: Buffer): void {
  const { persistent, options } = parseOptions(payload)
  const name = parsePort(arg, host)
  const wanted: Assignment = { ...named(name), mode: persistent ? 'required' : 'manual', options }
  if (!persistent && isHalted(qube)) {
    const message = 'VM not running, can only attach device with persistent flag'
    throw new Failure('QubesVMNotRunningError', message)
  }
  const shown = `${name.backend.name}:${name.port}`
  if (assignments(host, qube).some((item) => assignmentKey(item) === assignmentKey(wanted))) {
    throw new Failure(
      'DeviceAlreadyAttached',
      repr(`device ${shown} of class usb already attached to ${qube.name}`),
    )
  }
  const fields = { device: shown, options: printOptions(options) }
  firePre(host, qube, 'device-pre-attach:usb', fields)
  moveTo(host, qube, name, options)
  if (persistent) qube.assignments.set(assignmentKey(wanted), wanted)
  fire(host, qube, 'device-attach:usb', fields)
}

function parseOptions(payload: Buffer): { persistent: boolean; options: Map<string, string> } {
  const text = ascii(payload)
  if (text === undefined) throw unhandled(decodeComplaint(payload))
  let persistent = false
  const options = new Map<string, string>()
  for (const option of text.split(/\s+/).filter((part) => part !== '')) {
    const parts = splitOnce(option, '=')
    if (!parts) throw protocolError('Invalid options format')
    const [key, value] = parts
    if (key === 'persistent') {
      persistent = parseBool(value)
      continue
    }
    if (/[^0-9A-Za-z\-_.]/.test(key)) throw protocolError('Invalid chars in option name')
    if (/[^0-9A-Za-z\-_.,+:]/.test(value)) throw protocolError('Invalid chars in option value')
    options.set(key, value)
  }
  return { persistent, options }
}

function moveTo(host: Host, qube: Qube, name: PortName, options: ReadonlyMap<string, string>): void {
  const device = deviceAt(host, name.backend, name.port)
  const wanted = options.get('identity')
  if (options.size > 0) {
    if (options.size > 1 || wanted === undefined) {
      throw new Failure('QubesException', 'USB device attach do not support user options')
    }
    if (wanted !== 'any' && (!device || identity(device) !== wanted)) throw unhandled('another identity')
  }
  if (!isRunning(qube) || qube.klass === 'AdminVM' || !device) return
  const holder = attachedTo(host, device)
  if (holder) {
    const shown = `${name.backend.name}:${name.port}`
    throw new Failure('DeviceAlreadyAttached', repr(`Device ${shown} already attached to ${holder.name}`))
  }
  connectDevice(host, device, qube)
}

export function detachPort(host: Host, qube: Qube, arg: string): void {
  const name = parsePort(arg, host)
  const wanted = named(name)
  const persistent = qube.assignments.has(assignmentKey(wanted))
  if (persistent && !isHalted(qube)) {
    throw new Failure('QubesVMNotHaltedError', 'Can not remove a persistent attachment from a non halted vm')
  }
  if (!assignments(host, qube).some((item) => assignmentKey(item) === assignmentKey(wanted))) {
    throw new Failure(
      'DeviceNotAttached',
      repr(`device ${name.port} of class usb not attached to ${qube.name}`),
    )
  }
  const fields = { device: `${name.backend.name}:${name.port}` }
  firePre(host, qube, 'device-pre-detach:usb', fields)
  const device = deviceAt(host, name.backend, name.port)
  if (device && attachedTo(host, device) === qube) disconnectDevice(host, device)
  qube.assignments.delete(assignmentKey(wanted))
  fire(host, qube, 'device-detach:usb', fields)
}

/** Only of a device that is attached right now. */
export function setPersistent(host: Host, qube: Qube, arg: string, persistent: boolean): void {
  const parts = splitOnce(arg, '+')
  if (!parts) throw unhandled('no backend in the argument')
  const device = attachedDevices(host, qube).find(
    (candidate) => candidate.backend.name === parts[0] && candidate.shown.port === parts[1],
  )
  if (!device) throw protocolError('not attached')
  const name = named({ backend: device.backend, port: device.shown.port })
  if (!persistent) {
    qube.assignments.delete(assignmentKey(name))
  } else if (!qube.assignments.has(assignmentKey(name))) {
    const options = new Map([['identity', identity(device)]])
    qube.assignments.set(assignmentKey(name), { ...name, mode: 'required', options })
  }
}

/** At its start a qube gets what is persistent; a device that another holds makes the start fail. */
export function attachPersistent(host: Host, qube: Qube): void {
  for (const item of qube.assignments.values()) {
    const backend = item.backend === null ? undefined : host.qubes.get(item.backend)
    if (!backend) continue
    const device = deviceAt(host, backend, item.port)
    const wanted = item.options.get('identity')
    if (wanted !== undefined && wanted !== 'any' && device && identity(device) !== wanted) continue
    moveTo(host, qube, { backend, port: item.port }, item.options)
    fire(host, qube, 'device-attach:usb', {
      device: `${backend.name}:${item.port}`,
      options: printOptions(item.options),
    })
  }
}
