import { BEHAVIOUR, type SimulatedVersion } from './release.ts'

/**
 * How a request fails inside the daemon. `type` is the name of the exception as the wire carries it;
 * empty for a mistake that qubesd itself does not handle, which closes the connection with no byte sent.
 */
export class Failure extends Error {
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.name = 'Failure'
    this.type = type
  }
}

// Up to 4.3 these are logged in dom0 and the caller gets nothing; 4.4 names them.
const SILENT_BEFORE_4_4 = new Set([
  'PermissionDenied',
  'ProtocolError',
  'QubesInvalidLabelError',
  'QubesInvalidTagError',
  'QubesUnrecognizedDeviceAssignmentMode',
])

export function isSilent(failure: Failure, release: SimulatedVersion): boolean {
  return failure.type === '' || (!BEHAVIOUR[release].namesRefusals && SILENT_BEFORE_4_4.has(failure.type))
}

/** An exception that qubesd does not expect: a KeyError, a failed assertion, a wrong encoding. */
export function unhandled(what: string): Failure {
  return new Failure('', what)
}

export function protocolError(message: string): Failure {
  return new Failure('ProtocolError', message)
}

export function permissionDenied(message: string): Failure {
  return new Failure('PermissionDenied', message)
}

export function valueError(message: string): Failure {
  return new Failure('QubesValueError', message)
}

export function propertyValueError(message: string): Failure {
  return new Failure('QubesPropertyValueError', message)
}
