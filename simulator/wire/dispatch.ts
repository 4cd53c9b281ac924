import {
  BEHAVIOUR,
  Failure,
  type Host,
  isSilent,
  protocolError,
  type Qube,
  repr,
  unhandled,
} from '../host/index.ts'
import {
  DEVICE_METHODS,
  isWrite,
  keepReady,
  type Method,
  type MethodCall,
  OTHER_DEVICE_METHODS,
  PROPERTY_METHODS,
  QUBE_METHODS,
  VOLUME_METHODS,
} from '../methods/index.ts'
import { read, validateName } from '../properties/index.ts'
import { encodeException, encodeOk, type WireRequest } from './wire.ts'

const METHODS = new Map<string, Method>(
  Object.entries({
    ...QUBE_METHODS,
    ...PROPERTY_METHODS,
    ...DEVICE_METHODS,
    ...OTHER_DEVICE_METHODS,
    ...VOLUME_METHODS,
  }),
)

/** `events` is the one request whose answer does not end. */
type Answer =
  { readonly kind: 'reply'; readonly bytes: Buffer } | { readonly kind: 'events'; readonly of: Qube }

const EVENTS: Method = { arg: 'none', payload: 'none', dest: 'any', run: () => '' }

/** Carries out a request. `saved` is called once it is done, if it may have changed anything. */
export function dispatch(host: Host, request: WireRequest, saved: () => void): Answer {
  try {
    const { method, call } = resolve(host, request)
    check(method, call)
    if (method === EVENTS) return { kind: 'events', of: call.dest }
    const content = method.run(call)
    if (isWrite(request.method)) {
      keepReady(host)
      saved()
    }
    return { kind: 'reply', bytes: encodeOk(content) }
  } catch (error) {
    // Two qubes that refer to each other send the daemon round in circles, which it survives.
    if (error instanceof RangeError) return { kind: 'reply', bytes: Buffer.alloc(0) }
    if (!(error instanceof Failure)) throw error
    const silent = isSilent(error, host.release)
    return { kind: 'reply', bytes: silent ? Buffer.alloc(0) : encodeException(error.type, error.message) }
  }
}

function resolve(host: Host, request: WireRequest): { method: Method; call: MethodCall } {
  const source = findQube(host, request.source)
  const dest = findQube(host, request.dest)
  if (/[^\0-\x7f]/.test(request.arg + request.method)) throw unhandled('not ASCII')
  const method = request.method === 'admin.Events' ? EVENTS : METHODS.get(request.method)
  if (!method) throw protocolError(`no such method: ${repr(request.method)}`)
  return { method, call: { host, source, dest, arg: request.arg, payload: request.payload } }
}

/** By name, or by `uuid:`. */
function findQube(host: Host, text: string): Qube {
  if (/[^\0-\x7f]/.test(text)) throw unhandled('not ASCII')
  if (text.startsWith('uuid:')) return findByUuid(host, text)
  validateName(text)
  return host.qubes.get(text) ?? missing(text)
}

function findByUuid(host: Host, text: string): Qube {
  const uuid = text.slice('uuid:'.length)
  if (text.length !== 41 || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-/.test(uuid)) {
    throw new Failure('QubesVMInvalidUUIDError', `VM UUID is not valid: ${repr(uuid)}`)
  }
  if (!/^[0-9a-f-]+$/.test(uuid)) throw unhandled('no uuid')
  return [...host.qubes.values()].find((qube) => read(host, qube, 'uuid') === uuid) ?? missing(text)
}

function missing(text: string): never {
  throw new Failure('QubesVMNotFoundError', `No such domain: ${repr(text)}`)
}

/** 4.4 checks all of it for every method; before, a method asks for no more than it does without. */
function check(method: Method, { host, dest, arg, payload }: MethodCall): void {
  const strict = BEHAVIOUR[host.release].validatesRequests
  if (strict && method.payload === 'some' && payload.length === 0) throw protocolError('expected payload')
  if (method.payload === 'none' && payload.length > 0) throw protocolError('unexpected payload')
  if (strict && method.arg === 'some' && arg === '') throw protocolError('expected an argument')
  const unwanted = method.arg === 'none' || (strict && method.arg === 'ignored')
  if (unwanted && arg !== '') throw protocolError('unexpected argument')
  if (method.dest === 'admin' && dest.klass !== 'AdminVM') {
    throw protocolError('expected destination to be AdminVM')
  }
}
