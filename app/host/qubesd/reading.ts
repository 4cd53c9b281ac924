import { type SlicStore } from '../../../providers/index.ts'
import {
  type Client,
  getFeature,
  hasTag,
  listAssigned,
  listDenied,
  listTags,
  type PropertyAnswer,
  VERSIONS,
} from '../../../qubesd/index.ts'
import {
  type Needs,
  type Observation,
  type QubesVersion,
  type Reading,
  type UsbAssignment,
} from '../../../reconciler/index.ts'
import { noSuchProperty, unknownOf } from './failures.ts'
import { eachNamed, type Properties, readProperties } from './properties.ts'

/** Where a qube is read from. */
interface From {
  readonly client: Client
  readonly slic: SlicStore
  readonly version: QubesVersion
}

/** With this many tags of a qube to look for, one List is cheaper than as many Gets. */
const LIST_TAGS_FROM = 2

/** Reads of a qube what is needed, all at once. What one call could not tell is unknown. Fails with a fatal QstateError only. */
export async function readQube(
  { client, slic, version }: From,
  qube: string,
  needs: Needs,
): Promise<Reading> {
  const [features, properties, tags, usb, denied, tables] = await Promise.all([
    eachNamed(needs.features, (name) => observe(getFeature(client, qube, name))),
    readProperties(client, qube, needs.properties),
    readTags(client, qube, needs.tags),
    needs.usb ? observe(listAssigned(client, version, qube)) : NOT_READ,
    needs.denied ? readDenied(client, version, qube) : NOT_READ,
    needs.slic ? slic.read(qube).catch(unknownOf) : NOT_READ,
  ])
  return new QubeReading(features, known(properties, qube), tags, usb, denied, tables)
}

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

/** A property that this class of qube does not have is not one at its default: it cannot be set either. */
const known =
  (properties: Properties, qube: string): Properties =>
  (name) => {
    const property = properties(name)
    return property?.status === 'absent' ? noSuchProperty(qube, name) : property
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

function readDenied(
  client: Client,
  version: QubesVersion,
  qube: string,
): Promise<Observation<readonly string[]>> {
  return VERSIONS[version].deniesInterfaces ? observe(listDenied(client, qube)) : Promise.resolve(ABSENT)
}

/** An answer as what looking found. */
export const observe = <T>(reading: Promise<T | undefined>): Promise<Observation<T>> =>
  reading.then(present, unknownOf)

const present = <T>(value: T | undefined): Observation<T> =>
  value === undefined ? ABSENT : { status: 'present', value }
