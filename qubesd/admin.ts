import { type CodeOf } from '../spec/diagnostics/index.ts'
import { isWrite } from './calls.ts'
import { type Client, UNSET } from './client.ts'
import { type Call } from './codec.ts'
import { QubesdError, quoteForTerminal } from './errors.ts'
import {
  type Assignment,
  type AttachedDevice,
  type AvailableDevice,
  type ListedQube,
  parseAssigned,
  parseAvailable,
  parseAvailable42,
  parseAttached,
  parseList,
  parseList42,
  parseNames,
  parseProperties,
  parseProperty,
  parseSomeProperties,
  type PropertyAnswer,
} from './parse.ts'
import { exactVersion, listedVersion, type QubesVersion, VERSIONS } from './versions.ts'

/**
 * Typed reads. Each fails with QubesdError; "not set" is an answer, not a failure.
 * An answer that does not parse is `malformed-answer`: it is never taken for "nothing there".
 */

/** All qubes of the host, dom0 among them. */
export function listQubes(client: Client): Promise<readonly ListedQube[]> {
  return ask(client, read('dom0', 'admin.vm.List'), parseList)
}

/** The feature's own text, or `undefined` where the qube does not set it. What a template sets is not looked at. */
export function getFeature(client: Client, qube: string, name: string): Promise<string | undefined> {
  return ask(client, read(qube, 'admin.vm.feature.Get', name), featureText, 'unknown-feature')
}

/** The feature's text on the qube or, failing that, on its template. */
export function getInheritedFeature(client: Client, qube: string, name: string): Promise<string | undefined> {
  return ask(client, read(qube, 'admin.vm.feature.CheckWithTemplate', name), featureText, 'unknown-feature')
}

export function listFeatures(client: Client, qube: string): Promise<readonly string[]> {
  return ask(client, read(qube, 'admin.vm.feature.List'), (text) => parseNames(text, /^[\x20-\x7e]*$/))
}

/** A property, or `undefined` where this class of qube has none of that name. */
export function getProperty(client: Client, qube: string, name: string): Promise<PropertyAnswer | undefined> {
  return ask(client, read(qube, 'admin.vm.property.Get', name), parseProperty, 'unknown-property')
}

/** The names of all properties of a qube: even where one of them cannot be worked out. */
export function listProperties(client: Client, qube: string): Promise<readonly string[]> {
  return ask(client, read(qube, 'admin.vm.property.List'), (text) => parseNames(text, /^[a-z_][a-z0-9_]*$/))
}

export function getProperties(client: Client, qube: string): Promise<ReadonlyMap<string, PropertyAnswer>> {
  return ask(client, read(qube, 'admin.vm.property.GetAll'), parseProperties)
}

/** The same where only some are wanted of them, by name. */
export function getSomeProperties(
  client: Client,
  qube: string,
): Promise<(name: string) => PropertyAnswer | undefined> {
  return ask(client, read(qube, 'admin.vm.property.GetAll'), parseSomeProperties)
}

export function hasTag(client: Client, qube: string, tag: string): Promise<boolean> {
  return ask(client, read(qube, 'admin.vm.tag.Get', tag), (text) =>
    text === '1' ? true : text === '0' ? false : undefined,
  )
}

/** Up to 4.3 qubesd takes the empty tag, too. */
export function listTags(client: Client, qube: string): Promise<readonly string[]> {
  return ask(client, read(qube, 'admin.vm.tag.List'), (text) => parseNames(text, /^[A-Za-z0-9_-]*$/))
}

/** Up to 4.3 qubesd takes the empty label, too. */
export function listLabels(client: Client): Promise<readonly string[]> {
  return ask(client, read('dom0', 'admin.label.List'), (text) => parseNames(text, /^[A-Za-z0-9_.-]*$/))
}

/** The pool of kernels has a volume for each. */
export function listKernels(client: Client): Promise<readonly string[]> {
  return ask(client, read('dom0', 'admin.pool.volume.List', 'linux-kernel'), (text) =>
    parseNames(text, /^[\x21-\x7e]+$/),
  )
}

/** Denied interface patterns, where the version has them. The one list whose last line does not end. */
export function listDenied(client: Client, qube: string): Promise<readonly string[]> {
  return ask(client, read(qube, 'admin.vm.device.denied.List'), (text) =>
    parseNames(text === '' ? text : `${text}\n`, /^[\x21-\x7e]{7}$/),
  )
}

/** USB devices assigned to a qube, that is, kept for its next starts. */
export function listAssigned(
  client: Client,
  version: QubesVersion,
  qube: string,
): Promise<readonly Assignment[]> {
  return VERSIONS[version].usb === 'ports'
    ? ask(client, read(qube, 'admin.vm.device.usb.List'), parseList42)
    : ask(client, read(qube, 'admin.vm.device.usb.Assigned'), parseAssigned)
}

/** Devices that a qube has now and that are not assigned to it by port and identity: none, or a wider assignment, gives them back. */
export function listAttached(
  client: Client,
  qube: string,
  kind: 'usb' | 'block',
): Promise<readonly AttachedDevice[]> {
  return ask(client, read(qube, `admin.vm.device.${kind}.Attached`), parseAttached)
}

/** USB devices that a backend qube has plugged in now. */
export function listAvailable(
  client: Client,
  version: QubesVersion,
  backend: string,
  kind: 'usb' | 'block' = 'usb',
): Promise<readonly AvailableDevice[]> {
  return ask(client, read(backend, `admin.vm.device.${kind}.Available`), (text) =>
    VERSIONS[version].usb === 'ports' ? parseAvailable42(text, backend) : parseAvailable(text),
  )
}

/** `Running`, `Halted`, `Transient` … */
export function powerState(client: Client, qube: string): Promise<string> {
  return ask(
    client,
    read(qube, 'admin.vm.CurrentState'),
    (text) => /(?:^| )power_state=([A-Za-z]+)$/.exec(text)?.[1],
  )
}

/** Bytes of a volume. */
export function volumeSize(client: Client, qube: string, volume: string): Promise<number> {
  return ask(client, read(qube, 'admin.vm.volume.Info', volume), (text) => {
    const digits = /^size=([0-9]{1,15})$/m.exec(text)?.[1]
    return digits === undefined ? undefined : Number(digits)
  })
}

/** Tells the versions apart by what the daemon answers. `qubes` is a listing that the caller has already. */
export async function detectVersion(client: Client, qubes: readonly ListedQube[]): Promise<QubesVersion> {
  const listed = listedVersion(qubes)
  if (!VERSIONS[listed].listsUuids) return listed
  const probe: Call = { dest: 'dom0', method: 'admin.vmclass.List', arg: 'probe', payload: '' }
  try {
    await client.call(probe)
    return exactVersion(listed, true)
  } catch (error) {
    const code = error instanceof QubesdError ? error.code : undefined
    if (code === 'invalid-value') return exactVersion(listed, true)
    // Policy may forbid the question; 4.3 and 4.4 are sent the same.
    if (code === 'refused' || code === 'denied-by-policy') return exactVersion(listed, false)
    throw error
  }
}

/**
 * Whether this daemon says why it refuses, as 4.4 does and 4.3 does not: asked by reading a property with a payload, which
 * both refuse. Policy sees no payload, so that this is allowed where the property may be read.
 */
export async function namesRefusals(client: Client, qube: string, property: string): Promise<boolean> {
  try {
    await client.call({ dest: qube, method: 'admin.vm.property.Get', arg: property, payload: 'probe' })
    return true
  } catch (error) {
    const code = error instanceof QubesdError ? error.code : undefined
    if (code === 'invalid-value') return true
    if (code === 'refused' || code === 'denied-by-policy') return false
    throw error
  }
}

/** Sends a call that changes something. Finishes even when the run is being stopped. */
export async function send(client: Client, call: Call): Promise<void> {
  const slow = /\.(?:Start|Shutdown|Create\.\w+|volume\.Resize|vm\.Remove)$/.test(call.method)
  const content = await client.call(call, {
    finish: isWrite(call.method),
    ...(slow ? { timeoutMs: 600_000 } : {}),
  })
  if (content.length > 0) throw malformed(call, content.toString('latin1'))
}

const read = (dest: string, method: string, arg = ''): Call => ({ dest, method, arg, payload: '' })

/** What the daemon answers; `undefined` where it fails with the code that means that nothing is set. */
function ask<T>(client: Client, call: Call, parse: Parse<T>): Promise<T>
function ask<T>(client: Client, call: Call, parse: Parse<T>, unset: CodeOf<'host'>): Promise<T | undefined>
function ask<T>(client: Client, call: Call, parse: Parse<T>, unset?: CodeOf<'host'>): Promise<T | undefined> {
  const read = (content: Buffer): T => {
    const text = content.toString('utf8')
    const value = parse(text)
    if (value === undefined) throw malformed(call, text)
    return value
  }
  if (unset === undefined) return client.call(call).then(read)
  return client.call(call, { unset }).then((content) => (content === UNSET ? undefined : read(content)))
}

type Parse<T> = (text: string) => T | undefined

function malformed(call: Call, text: string): QubesdError {
  const what = `the answer is not what qubesd answers to this: ${quoteForTerminal(text, 120)}`
  return new QubesdError(
    'malformed-answer',
    call,
    what,
    'is this a newer Qubes? please report it with `qstate version`',
  )
}

/** qubesd 4.2 lets a newline into a value; it is text like any other when read. */
const featureText = (text: string): string => text
