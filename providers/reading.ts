import {
  getFeature,
  getProperty,
  getSomeProperties,
  hasTag,
  listAssigned,
  listDenied,
  listTags,
} from '../qubesd/admin.ts'
import { type Client } from '../qubesd/client.ts'
import { QubesdError } from '../qubesd/errors.ts'
import { type PropertyAnswer } from '../qubesd/parse.ts'
import {
  type Needs,
  type Observation,
  type Reading,
  type Release,
  type Unknown,
  type UsbAssignment,
} from '../reconciler/index.ts'
import { asHostError, noSuchProperty } from './failures.ts'
import { type SlicStore } from './slic/store.ts'

/** Where a qube is read from. */
interface From {
  readonly client: Client
  readonly slic: SlicStore
  readonly release: Release
}

/** With this many properties of a qube to read, one GetAll is cheaper than as many Gets. */
const GET_ALL_FROM = 2

/** With this many tags of a qube to look for, one List is cheaper than as many Gets. */
const LIST_TAGS_FROM = 2

/** Reads of a qube what is needed, all at once. What one call could not tell is unknown. Fails with a fatal HostError only. */
export async function readQube(
  { client, slic, release }: From,
  qube: string,
  needs: Needs,
): Promise<Reading> {
  const [features, properties, tags, usb, denied, tables] = await Promise.all([
    eachNamed(needs.features, (name) => observe(getFeature(client, qube, name))),
    readProperties(client, qube, needs.properties),
    readTags(client, qube, needs.tags),
    needs.usb ? observe(listAssigned(client, release, qube)) : NOT_READ,
    needs.denied ? readDenied(client, release, qube) : NOT_READ,
    needs.slic ? slic.read(qube).catch(unknownOf) : NOT_READ,
  ])
  return new QubeReading(features, properties, tags, usb, denied, tables)
}

/** A property, undefined where neither it nor all were asked for. */
type Properties = (name: string) => Observation<PropertyAnswer> | undefined

class QubeReading implements Reading {
  private readonly features: ReadonlyMap<string, Observation<string>>
  private readonly properties: Properties
  private readonly tags: ReadonlyMap<string, Observation<true>>
  private readonly assigned: Observation<readonly UsbAssignment[]> | undefined
  private readonly interfaces: Observation<readonly string[]> | undefined
  private readonly tables: Observation<readonly string[]> | undefined

  constructor(
    features: ReadonlyMap<string, Observation<string>>,
    properties: Properties,
    tags: ReadonlyMap<string, Observation<true>>,
    assigned: Observation<readonly UsbAssignment[]> | undefined,
    interfaces: Observation<readonly string[]> | undefined,
    tables: Observation<readonly string[]> | undefined,
  ) {
    this.features = features
    this.properties = properties
    this.tags = tags
    this.assigned = assigned
    this.interfaces = interfaces
    this.tables = tables
  }

  feature(name: string): Observation<string> {
    return this.features.get(name) ?? notRead('feature', name)
  }

  property(name: string): Observation<string> {
    const property = this.properties(name) ?? notRead('property', name)
    if (property.status !== 'present') return property
    return property.value.isDefault ? ABSENT : { status: 'present', value: property.value.value }
  }

  effective(name: string): Observation<string> {
    return textOf(this.properties(name) ?? notRead('property', name))
  }

  readonly peek = (name: string): Observation<string> | undefined => {
    const property = this.properties(name)
    return property === undefined ? undefined : textOf(property)
  }

  tag(name: string): Observation<true> {
    return this.tags.get(name) ?? notRead('tag', name)
  }

  usb(): Observation<readonly UsbAssignment[]> {
    return this.assigned ?? notRead('usb')
  }

  denied(): Observation<readonly string[]> {
    return this.interfaces ?? notRead('denied')
  }

  slic(): Observation<readonly string[]> {
    return this.tables ?? notRead('slic')
  }
}

const ABSENT = { status: 'absent' } as const
const TAGGED = { status: 'present', value: true } as const
const NOT_READ = undefined

function notRead(...what: readonly string[]): never {
  throw new Error(`${what.join(' ')} was not read`)
}

const textOf = (property: Observation<PropertyAnswer>): Observation<string> =>
  property.status === 'present' ? { status: 'present', value: property.value.value } : property

function readProperties(client: Client, qube: string, names: readonly string[]): Promise<Properties> {
  if (names.length < GET_ALL_FROM) return readEach(client, qube, names)
  return getSomeProperties(client, qube).then(
    (all) => (name) => known(all(name), qube, name),
    (error: unknown) => {
      // One property that qubesd fails to work out (a loop of GUI qubes, say) takes all of them along: others can be told.
      if (error instanceof QubesdError && error.code === 'refused') return readEach(client, qube, names)
      const all = unknownOf(error)
      return (name: string) => (names.includes(name) ? all : undefined)
    },
  )
}

function readEach(client: Client, qube: string, names: readonly string[]): Promise<Properties> {
  return eachNamed(names, (name) =>
    getProperty(client, qube, name).then((property) => known(property, qube, name), unknownOf),
  ).then((read) => (name) => read.get(name))
}

/** A property that this class of qube does not have is not one at its default: it cannot be set either. */
function known(
  property: PropertyAnswer | undefined,
  qube: string,
  name: string,
): Observation<PropertyAnswer> {
  return property === undefined ? noSuchProperty(qube, name) : { status: 'present', value: property }
}

function readTags(
  client: Client,
  qube: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Observation<true>>> {
  if (names.length < LIST_TAGS_FROM) {
    const told = (has: boolean): Observation<true> => (has ? TAGGED : ABSENT)
    return eachNamed(names, (name) => hasTag(client, qube, name).then(told, unknownOf))
  }
  return observe(listTags(client, qube)).then((all) => {
    const inList = (name: string): Observation<true> => {
      if (all.status !== 'present') return all
      return all.value.includes(name) ? TAGGED : ABSENT
    }
    return new Map(names.map((name) => [name, inList(name)]))
  })
}

function readDenied(client: Client, release: Release, qube: string): Promise<Observation<readonly string[]>> {
  return release === '4.2' ? Promise.resolve(ABSENT) : observe(listDenied(client, qube))
}

function eachNamed<T>(
  names: readonly string[],
  read: (name: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  return Promise.all(names.map(read)).then((values) => {
    const named = new Map<string, T>()
    values.forEach((value, index) => named.set(names[index] ?? '', value))
    return named
  })
}

/** An answer as what looking found. */
export const observe = <T>(reading: Promise<T | undefined>): Promise<Observation<T>> =>
  reading.then(present, unknownOf)

const present = <T>(value: T | undefined): Observation<T> =>
  value === undefined ? ABSENT : { status: 'present', value }

/** What one call could not tell is unknown; that the daemon is gone is everybody's failure. */
function unknownOf(error: unknown): Unknown {
  const failure = asHostError(error)
  if (failure.fatal) throw failure
  return { status: 'unknown', why: failure.message, hint: failure.hint }
}
