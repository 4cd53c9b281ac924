import {
  ascii,
  BEHAVIOUR,
  type Host,
  isPrintable,
  parsePythonInt,
  propertyValueError,
  type Qube,
  type QubeClass,
  repr,
  unhandled,
  type Value,
  valueError,
} from '../host/index.ts'
import { isIPv6 } from 'node:net'

/** Whose property it is: a qube's, or, for `null`, the host's own. */
export type Holder = Qube | null

/** What the default of a property may look at. */
export interface Reader {
  readonly host: Host
  readonly holder: Holder
  /** The value of a property of the holder, or of another qube; undefined if it has neither value nor default. */
  readonly read: (name: string, of?: Qube) => Value | undefined
  readonly qube: (name: Value | undefined) => Qube | undefined
}

export interface PropertyDefinition {
  readonly name: string
  /** As the API names it. */
  readonly kind: 'vm' | 'int' | 'bool' | 'str' | 'label'
  /** What the daemon's class of the value is, where that decides how it is parsed. */
  readonly parsed?: 'IPv4Address' | 'IPv6Address' | 'UUID'
  /** Properties are listed by stage, then by name. */
  readonly stage: 2 | 3 | 4
  /** Absent where the daemon has none: reading the unset property then fails. */
  readonly default?: (reader: Reader) => Value | undefined
  /** Checks a new value and may change it. */
  readonly set?: (value: Value, reader: Reader) => Value
  readonly forbidden?: true
  readonly writeOnce?: true
  /** For a qube: None is a value. */
  readonly nullable?: true
  readonly class?: QubeClass
}

/** What a payload means for a property, before the property itself has a say. */
export function sanitize(definition: PropertyDefinition, payload: Buffer): Value {
  const text = ascii(payload)
  if (definition.kind === 'vm') {
    if (text === undefined) throw valueError('')
    if (text !== '') validateName(text)
    return text
  }
  if (text === undefined) throw valueError('Non-ASCII bytes in property value')
  if (definition.kind === 'bool') return parseBool(text)
  if (definition.kind === 'int') {
    const number = parsePythonInt(text)
    if (number === undefined) throw valueError('Failed to parse property value as int')
    return number
  }
  if (definition.parsed !== undefined) {
    const value = parseAs(definition.parsed, text)
    if (value === undefined) throw valueError(`Failed to parse property value as ${definition.parsed}`)
    return value
  }
  if (!isPrintable(text)) throw valueError('Invalid characters in property value')
  return text
}

/** Reads a value back from a fixture or a state file, where everything is text. */
export function restore(definition: PropertyDefinition, text: string): Value {
  if (definition.kind === 'vm') return text === '' ? null : text
  if (definition.kind === 'bool') return parseBool(text)
  if (definition.kind === 'int') return parsePythonInt(text) ?? null
  return text
}

function parseBool(text: string): boolean {
  const lower = text.toLowerCase()
  if (['0', 'no', 'false', 'off'].includes(lower)) return false
  if (['1', 'yes', 'true', 'on'].includes(lower)) return true
  throw valueError(`Invalid literal for boolean property: ${repr(text)}`)
}

function parseAs(type: 'IPv4Address' | 'IPv6Address' | 'UUID', text: string): string | undefined {
  if (type === 'IPv4Address') {
    const parts = text.split('.')
    const fine =
      parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
    return fine ? text : undefined
  }
  if (type === 'IPv6Address') {
    return isIPv6(text) && !text.includes('%') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined
  }
  const hex = text
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '')
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) return undefined
  return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Which names a qube may have. */
export function validateName(name: string): void {
  if (name.length > 31) throw valueError('VM name must be shorter than 32 characters')
  if (/^[0-9_.-][^\n]*$/.test(name)) {
    throw valueError('VM name cannot start with hyphen, underscore, dot or numbers')
  }
  if (!/^[a-zA-Z][a-zA-Z0-9_.-]*$/.test(name)) {
    throw valueError('VM name contains illegal characters')
  }
  if (name === 'Domain-0') throw valueError("VM name cannot be 'Domain-0'")
  if (name === 'none' || name === 'default') throw valueError("VM name cannot be 'none' nor 'default'")
  if (name.endsWith('-dm')) throw valueError('VM name cannot end with -dm')
}

export function positive(name: string): (value: Value) => Value {
  return (value) => {
    if (Number(value) <= 0) throw propertyValueError(`${name} must be positive`)
    return value
  }
}

export function notNegative(name: string): (value: Value) => Value {
  return (value) => {
    if (Number(value) < 0) throw propertyValueError(`${name} must be positive or zero`)
    return value
  }
}

/** The value of the template, or else what is given. */
export function fromTemplate(name: string, otherwise: (reader: Reader) => Value | undefined) {
  return (reader: Reader): Value | undefined => {
    const template = reader.qube(reader.read('template'))
    const inherited = template && reader.read(name, template)
    return inherited === undefined ? otherwise(reader) : inherited
  }
}

/** 4.4 takes only a template for disposables where disposables are made from. */
export function disposableTemplate(name: string): (value: Value, reader: Reader) => Value {
  return (value, reader) => {
    const template = reader.qube(value)
    if (!template || !BEHAVIOUR[reader.host.release].requiresDisposableTemplates) return value
    if (template.klass === 'AdminVM') throw unhandled(`${name}: asserted not to be dom0`)
    if (reader.read('template_for_dispvms', template) === true) return value
    const target = reader.holder === null ? 'system' : `qube ${repr(reader.holder.name)}`
    throw propertyValueError(
      `Cannot set invalid property to ${target}, ${name} ${repr(template.name)} has template_for_dispvms set to False`,
    )
  }
}
