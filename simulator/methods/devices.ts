import {
  assign,
  attach,
  attachments,
  detach,
  deviceNamed,
  exposed,
  parseAssignment,
  parseDeviceName,
  printAssignment,
  printExposed,
  refuseDenied,
  setMode,
  unassign,
} from '../devices/index.ts'
import {
  ascii,
  type Assignment,
  type AssignmentMode,
  BEHAVIOUR,
  byCodePoint,
  Failure,
  type Host,
  permissionDenied,
  protocolError,
  type Qube,
  splitOnce,
  str,
  unhandled,
  valueError,
} from '../host/index.ts'
import { definition, read, setProperty, splitInterfaces } from '../properties/index.ts'
import { type Method, type MethodCall, type MethodTable } from './method.ts'

const none: Method = { arg: 'any', payload: 'none', dest: 'any', run: () => '' }

/** Methods about USB devices. */
export const DEVICE_METHODS: MethodTable = {
  'admin.vm.device.usb.Available': {
    arg: 'any',
    payload: 'none',
    dest: 'any',
    run: ({ host, dest, arg }) => available(host, dest, arg),
  },
  'admin.vm.device.usb.Attach': {
    arg: 'some',
    payload: 'any',
    dest: 'any',
    run: (call) => {
      attachNamed(call)
      return ''
    },
  },
  'admin.vm.device.usb.Detach': {
    arg: 'some',
    payload: 'none',
    dest: 'any',
    run: ({ host, dest, arg }) => {
      detach(host, withDevices(dest), parseDeviceName(arg, host).port)
      return ''
    },
  },
  // No block device is simulated.
  'admin.vm.device.block.Attached': method('any', 'none', () => ''),
  'admin.vm.device.usb.Assigned': method('any', 'none', ({ host, dest, arg }) =>
    list([...dest.assignments.values()], arg, host),
  ),
  'admin.vm.device.usb.Attached': method('any', 'none', ({ host, dest, arg }) =>
    list(attachments(host, dest), arg, host),
  ),
  'admin.vm.device.usb.Assign': method('some', 'some', ({ host, dest, arg, payload }) => {
    const assignment = parseAssignment(payload, parseDeviceName(arg, host), host)
    assign(host, withDevices(dest), assignment)
    return ''
  }),
  'admin.vm.device.usb.Unassign': method('some', 'none', ({ host, dest, arg }) => {
    const name = parseDeviceName(arg, host)
    unassign(host, withDevices(dest), name)
    return ''
  }),
  'admin.vm.device.usb.Set.assignment': method('some', 'some', ({ host, dest, arg, payload }) => {
    const mode = assignable(payload)
    if (mode === undefined) {
      // 4.3 calls it a denial and 4.4 a mistake; only 4.4 says so.
      throw new Failure('QubesUnrecognizedDeviceAssignmentMode', 'Invalid assignment mode')
    }
    setMode(host, dest, parseDeviceName(arg, host), mode)
    return ''
  }),
  'admin.vm.device.denied.List': method('none', 'none', ({ host, dest }) =>
    splitInterfaces(denied(host, dest)).join('\n'),
  ),
  'admin.vm.device.denied.Add': method('ignored', 'any', (call) => {
    const { host, dest } = call
    const added = interfacesIn(call)
    setProperty(host, dest, definition(host, dest, 'devices_denied'), denied(host, dest) + added.join(''))
    return ''
  }),
  'admin.vm.device.denied.Remove': method('ignored', 'any', (call) => {
    const { host, dest, payload } = call
    const known = splitInterfaces(denied(host, dest))
    const gone = payload.toString('latin1') === 'all' ? known : interfacesIn(call)
    const left = known.filter((code) => !gone.includes(code)).join('')
    if (left !== known.join('')) setProperty(host, dest, definition(host, dest, 'devices_denied'), left)
    return ''
  }),
}

/** Block and PCI devices are there only as far as everything else has none. */
export const OTHER_DEVICE_METHODS: MethodTable = Object.fromEntries(
  ['block', 'pci'].flatMap((devclass) => [
    [`admin.vm.device.${devclass}.Available`, none],
    [`admin.vm.device.${devclass}.Assigned`, none],
    [`admin.vm.device.${devclass}.Attached`, none],
  ]),
)

function method(arg: Method['arg'], payload: Method['payload'], run: (call: MethodCall) => string): Method {
  return { arg, payload, dest: 'any', run }
}

function available(host: Host, backend: Qube, only: string): string {
  return exposed(host, backend)
    .filter((device) => only === '' || device.shown.port === only)
    .map((device) => ({ key: `${device.shown.port}:${device.deviceId}`, device }))
    .sort((a, b) => byCodePoint(a.key, b.key))
    .map(({ key, device }) => `${key} ${printExposed(host, device)}\n`)
    .join('')
}

function list(assignments: readonly Assignment[], arg: string, host: Host): string {
  const only = arg === '' ? undefined : splitOnce(arg, '+')
  if (arg !== '' && !only) throw unhandled('no backend in the argument')
  // A backend that any will do for is printed as Python's None here.
  const found = assignments.filter((item) => !only || (item.backend === only[0] && item.port === only[1]))
  if (only && found.length > 1) throw tooMany(host)
  return found
    .map((item) => ({ key: `${item.backend ?? 'None'}+${item.port}:${item.deviceId}`, item }))
    .sort((a, b) => byCodePoint(a.key, b.key))
    .map(({ key, item }) => `${key} ${printAssignment(item)}\n`)
    .join('')
}

function tooMany(host: Host): Failure {
  return BEHAVIOUR[host.release].namesRefusals ? new Failure('DeviceNotFound', '') : permissionDenied('')
}

function attachNamed({ host, dest, arg, payload }: MethodCall): void {
  const name = parseDeviceName(arg, host)
  const wanted = parseAssignment(payload, name, host)
  refuseDenied(host, dest, deviceNamed(host, name), wanted.mode)
  attach(host, withDevices(dest), wanted)
}

function withDevices(qube: Qube): Qube {
  if (qube.klass === 'RemoteVM') throw new Failure('QubesException', "This qube doesn't support devices")
  return qube
}

function assignable(payload: Buffer): AssignmentMode | undefined {
  const wanted = payload.toString('latin1')
  return (['required', 'ask-to-attach', 'auto-attach'] as const).find((mode) => mode === wanted)
}

function denied(host: Host, qube: Qube): string {
  const value = read(host, qube, 'devices_denied')
  if (value === undefined) throw unhandled('a qube without devices')
  return str(value ?? '')
}

function interfacesIn({ host, payload }: MethodCall): string[] {
  const strict = BEHAVIOUR[host.release].validatesRequests
  const text = ascii(payload)
  if (text === undefined) {
    throw strict ? protocolError('Device interface contains non-ASCII characters') : unhandled('not ASCII')
  }
  const codes = splitInterfaces(text)
  if (new Set(codes).size !== codes.length) {
    const message = 'Duplicated device interfaces in payload.'
    throw strict ? protocolError(message) : valueError(message)
  }
  return codes
}
