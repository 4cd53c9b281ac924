import { type CodeOf, escapeForTerminal, problem, QstateError } from '../spec/diagnostics/index.ts'
import { type Call } from './codec.ts'

/** Every failure of a call. `message` names call and qube; `hint` says what to do next; text of the daemon is escaped. */
export class QubesdError extends QstateError {
  override readonly name = 'QubesdError'
  /** Its payload is redacted. */
  readonly call: Call

  constructor(code: CodeOf<'host'>, call: Call, what: string, hint: string, cause?: unknown) {
    super(problem(code, `${describeCall(call)}: ${what}`, hint), { cause })
    this.call = redactPayload(call)
  }
}

/** `admin.vm.feature.Set+audio-model on win10`, without the payload: it may be long, or secret. */
export function describeCall(call: Call): string {
  return `${call.method}${call.arg === '' ? '' : `+${call.arg}`} on ${call.dest}`
}

/** The call with a payload that is as long, and says nothing: errors and calls get logged. */
export function redactPayload(call: Call): Call {
  return { ...call, payload: '*'.repeat(call.payload.length) }
}

/** The exception names of qubesd 4.2 to 4.4 that mean something to qstate. Others stay `daemon-error`. */
const BY_EXCEPTION: Readonly<Record<string, CodeOf<'host'>>> = {
  DeviceAlreadyAssigned: 'already-assigned',
  DeviceAlreadyAttached: 'already-assigned',
  DeviceNotAssigned: 'not-assigned',
  DeviceNotAttached: 'not-assigned',
  PermissionDenied: 'refused',
  ProtocolError: 'invalid-value',
  QubesFeatureNotFoundError: 'unknown-feature',
  QubesLabelNotFoundError: 'unknown-label',
  QubesNoSuchPropertyError: 'unknown-property',
  QubesPropertyValueError: 'invalid-value',
  QubesTagNotFoundError: 'unknown-tag',
  QubesUnrecognizedDeviceAssignmentMode: 'invalid-value',
  QubesVMAlreadyExistsError: 'already-exists',
  QubesVMInUseError: 'in-use',
  QubesVMNotFoundError: 'unknown-qube',
  QubesVMNotRunningError: 'not-running',
  QubesVMNotStartedError: 'not-running',
  QubesValueError: 'invalid-value',
}

const HINTS: Partial<Record<CodeOf<'host'>, string>> = {
  'already-exists':
    'plan again: it has been created meanwhile, or policy in dom0 does not let this qube list it (admin.vm.List)',
  'unknown-qube': 'create the qube first, or correct its name in the spec; qvm-ls lists the qubes there are',
  'unknown-property': 'this release of Qubes has no such property on this class of qube',
  'invalid-value': 'correct the value in the spec',
  'in-use': 'shut down the qubes that use it, or give them another one, and try again',
  'unknown-label':
    'correct the label: red, orange, yellow, green, gray, blue, purple, black, or one that has been made on this host',
  'not-running': 'the qube that it speaks of has to run: start it, then apply again',
}

/** What an exception answer means. */
export function codeOf(call: Call, type: string, message: string): CodeOf<'host'> {
  const known = Object.hasOwn(BY_EXCEPTION, type) ? BY_EXCEPTION[type] : undefined
  // Up to 4.3 it is a value like any other that is refused.
  const isThere = call.method.startsWith('admin.vm.Create.') && / already exists$/.test(message)
  return isThere ? 'already-exists' : (known ?? 'daemon-error')
}

/** Turns an exception answer into the typed error. */
export function fromException(call: Call, type: string, message: string): QubesdError {
  const code = codeOf(call, type, message)
  const hint = HINTS[code] ?? 'see `journalctl -u qubesd -e` in dom0'
  return new QubesdError(code, call, `qubesd says ${quoteForTerminal(message)} (${type})`, hint)
}

/**
 * The policy line that would allow a call, for a file in `/etc/qubes/policy.d/`. Where all qubes are asked for there is a
 * second: qubesd tells of those only that policy lets the caller ask for one by one.
 */
export function policyLine(call: Call, source: string): string {
  const arg = call.arg === '' ? '*' : `+${call.arg}`
  const lineTo = (dest: string): string => `${call.method} ${arg} ${source} ${dest} allow target=dom0`
  if (call.dest !== 'dom0') return lineTo(call.dest)
  const ofAll = call.method === 'admin.vm.List' || call.method === 'admin.Events'
  return ofAll ? `${lineTo('@adminvm')}\n  ${lineTo('@anyvm')}` : lineTo('@adminvm')
}

/** Text of the daemon is untrusted. */
export const quoteForTerminal = (text: string, max = 300): string => `“${escapeForTerminal(text, { max })}”`
