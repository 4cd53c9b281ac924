import {
  Failure,
  fire,
  firePre,
  hasTemplate,
  type Host,
  propertyValueError,
  type Qube,
  repr,
  type SimulatedVersion,
  str,
  unhandled,
  type Value,
} from '../host/index.ts'
import { type Holder, type PropertyDefinition, type Reader } from './definition.ts'
import { hostProperties } from './host-properties.ts'
import { qubeProperties } from './qube-properties.ts'

const tables = new Map<string, readonly PropertyDefinition[]>()

/** All properties of a qube, or of the host itself, in the daemon's order. */
export function definitions(host: Host, holder: Holder): readonly PropertyDefinition[] {
  const key = `${host.release} ${holder?.klass ?? '@'}`
  const known = tables.get(key)
  if (known) return known
  const table = tableFor(host.release, holder)
  tables.set(key, table)
  return table
}

function tableFor(release: SimulatedVersion, holder: Holder): readonly PropertyDefinition[] {
  return holder === null ? hostProperties(release) : qubeProperties(holder.klass, release)
}

export function definition(host: Host, holder: Holder, name: string): PropertyDefinition {
  const found = definitions(host, holder).find((candidate) => candidate.name === name)
  if (found) return found
  const whose = holder?.name ?? 'Qubes'
  throw new Failure('QubesNoSuchPropertyError', `Invalid property ${repr(name)} of ${whose}`)
}

export function isDefault(holder: Holder, host: Host, name: string): boolean {
  return !values(host, holder).has(name)
}

/** The value of a property; undefined if there is no such property, or neither a value nor a default. */
export function read(host: Host, holder: Holder, name: string): Value | undefined {
  const set = values(host, holder).get(name)
  if (set !== undefined) return set
  const found = definitions(host, holder).find((candidate) => candidate.name === name)
  return found?.default?.(reader(host, holder))
}

/** What a property falls back to, set or not. */
export function defaultOf(host: Host, holder: Holder, found: PropertyDefinition): Value | undefined {
  return found.default?.(reader(host, holder))
}

/** A qube that a property of another refers to. */
export function readQube(host: Host, holder: Holder, name: string): Qube | undefined {
  const value = read(host, holder, name)
  return typeof value === 'string' ? host.qubes.get(value) : undefined
}

export function templateOf(host: Host, qube: Qube): Qube | undefined {
  return hasTemplate(qube) ? readQube(host, qube, 'template') : undefined
}

/** A feature of a qube, or of its template, or of the template's own, up to the first that has it. */
export function inheritedFeature(host: Host, qube: Qube, name: string): string | undefined {
  const seen = new Set<Qube>()
  for (let at: Qube | undefined = qube; at && !seen.has(at); at = templateOf(host, at)) {
    const value = at.features.get(name)
    if (value !== undefined) return value
    seen.add(at)
  }
  return undefined
}

/** Sets a property as the daemon does: checks, events, the value, events. */
export function setProperty(host: Host, holder: Holder, found: PropertyDefinition, wanted: Value): void {
  const value = found.kind === 'vm' ? checkQube(host, holder, found, wanted) : wanted
  refuseSecondWrite(host, holder, found)
  const old = read(host, holder, found.name)
  if (found.forbidden) {
    const whose = holder?.klass ?? 'Qubes'
    throw propertyValueError(`property ${repr(found.name)} on ${whose} instance cannot be set`)
  }
  const newvalue = found.set && value !== null ? found.set(value, reader(host, holder)) : value
  const fields = { name: found.name, newvalue, ...(old === undefined ? {} : { oldvalue: old }) }
  firePre(host, holder, `property-pre-set:${found.name}`, fields)
  values(host, holder).set(found.name, newvalue)
  fire(host, holder, `property-set:${found.name}`, fields)
}

/** Returns a property to its default. Each event is sent under two names, an old and a new one. */
export function resetProperty(host: Host, holder: Holder, found: PropertyDefinition): void {
  refuseSecondWrite(host, holder, found)
  const old = read(host, holder, found.name)
  const fields = { name: found.name, ...(old === undefined ? {} : { oldvalue: old }) }
  firePre(host, holder, `property-pre-reset:${found.name}`, fields)
  firePre(host, holder, `property-pre-del:${found.name}`, fields)
  values(host, holder).delete(found.name)
  fire(host, holder, `property-reset:${found.name}`, fields)
  fire(host, holder, `property-del:${found.name}`, fields)
}

function refuseSecondWrite(host: Host, holder: Holder, found: PropertyDefinition): void {
  if (found.writeOnce && values(host, holder).has(found.name)) throw unhandled(`${found.name} is write-once`)
}

function checkQube(host: Host, holder: Holder, found: PropertyDefinition, wanted: Value): Value {
  if (wanted === '' || wanted === null) {
    if (found.nullable) return null
    throw propertyValueError(
      `Invalid value None for property ${repr(found.name)} of ${describe(host, holder)}`,
    )
  }
  const qube = host.qubes.get(str(wanted))
  if (!qube) throw propertyValueError(`Can't set ${found.name} to non-existing qube ${str(wanted)}`)
  const fits = found.class === undefined ? qube.klass !== 'RemoteVM' : qube.klass === found.class
  if (fits) return qube.name
  const wrong = `wrong VM class: domains[${repr(qube.name)}] is of type ${qube.klass}`
  throw propertyValueError(`${wrong} and not ${found.class ?? 'LocalVM'}`)
}

/** How the daemon prints a qube in full. The address of the object is made up. */
export function describe(host: Host, holder: Holder): string {
  if (holder === null) return '<qubes.app.Qubes object at 0x7f0000000000>'
  const rest = definitions(host, holder)
    .filter((found) => found.name !== 'name' && found.name !== 'qid')
    .map((found) => [found.name, read(host, holder, found.name)] as const)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${str(value)}`]))
  const qid = str(read(host, holder, 'qid') ?? 0)
  return `<${holder.klass} at 0x7f0000000000 name=${repr(holder.name)} qid=${qid} ${rest.join(' ')}>`
}

function values(host: Host, holder: Holder): Map<string, Value> {
  return holder === null ? host.globals : holder.properties
}

function reader(host: Host, holder: Holder): Reader {
  return {
    host,
    holder,
    read: (name, of) =>
      name.startsWith('@') ? read(host, null, name.slice(1)) : read(host, of ?? holder, name),
    qube: (name) => (typeof name === 'string' ? host.qubes.get(name) : undefined),
  }
}
