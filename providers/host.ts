import {
  getFeature,
  getInheritedFeature,
  getProperty,
  getSomeProperties,
  hasTag,
  listAssigned,
  listDenied,
  listQubes,
  listTags,
  namesRefusals,
  powerState,
  send,
  volumeSize,
} from '../qubesd/admin.ts'
import { type Client } from '../qubesd/client.ts'
import { QubesdError } from '../qubesd/errors.ts'
import {
  type Host,
  type HostCall,
  type HostQube,
  type Needs,
  type Observation,
  type Reading,
  type Release,
  type Unknown,
  type UsbAssignment,
} from '../reconciler/index.ts'
import { asHostError, noSuchProperty } from './failures.ts'
import { type PropertyAnswer } from '../qubesd/parse.ts'
import { SLIC_REMOVE, SLIC_SET } from './slic/index.ts'
import { type SlicStore } from './slic/store.ts'

export interface QubesHostOptions {
  readonly client: Client
  readonly slic: SlicStore
}

/** With this many properties of a qube to read, one GetAll is cheaper than as many Gets. */
const GET_ALL_FROM = 2

/** With this many tags of a qube to look for, one List is cheaper than as many Gets. */
const LIST_TAGS_FROM = 2

/** The host behind a qubesd, as the core wants it: failures of reading become `unknown`, failures of writing HostError. */
export function qubesHost(options: QubesHostOptions): Host {
  const { client, slic } = options
  const { kind, where } = client.transport
  let release: Release = '4.3'
  return {
    where: kind === 'socket' ? where : `dom0, through ${where}`,
    async list() {
      try {
        return await listQubes(client)
      } catch (error) {
        throw asHostError(error)
      }
    },
    release(qubes: readonly HostQube[]) {
      release = qubes.some((qube) => qube.uuid !== null) ? '4.3' : '4.2'
      return release
    },
    read: (qube, needs) => readQube(options, release, qube, needs),
    inheritedFeature: (qube, name) => observe(getInheritedFeature(client, qube, name)),
    async exactRelease(qube, property) {
      if (release === '4.2') return release
      const seen = await observe(namesRefusals(client, qube, property))
      return seen.status === 'present' && seen.value ? '4.4' : release
    },
    async state(qube) {
      try {
        return await powerState(client, qube)
      } catch (error) {
        throw asHostError(error)
      }
    },
    async volumeSize(qube, volume) {
      try {
        return await volumeSize(client, qube, volume)
      } catch (error) {
        throw asHostError(error)
      }
    },
    tableProblem: (table) => slic.problem(table),
    async tableTemplates(asked) {
      if (slic.listingCosts && !asked) return { status: 'present', value: [] }
      return observe(slic.list())
    },
    async templateTexts(qube, tables) {
      const seen = await observe(slic.texts(qube, tables))
      return seen.status === 'present' ? seen.value : undefined
    },
    write: (call) => writeCall(options, release, call),
  }
}

async function readQube(
  options: QubesHostOptions,
  release: Release,
  qube: string,
  needs: Needs,
): Promise<Reading> {
  const { client, slic } = options
  const [features, properties, tags, usb, denied, tables] = await Promise.all([
    eachNamed(needs.features, (name) => observe(getFeature(client, qube, name))),
    readProperties(client, qube, needs.properties),
    readTags(client, qube, needs.tags),
    needs.usb ? observe(listAssigned(client, release, qube)) : NOT_READ,
    needs.denied ? readDenied(client, release, qube) : NOT_READ,
    needs.slic ? slic.read(qube).catch(unknownOf) : NOT_READ,
  ])
  return {
    feature: (name) => wanted(features.get(name), 'feature', name),
    property: (name) => {
      const property = wanted(properties(name), 'property', name)
      if (property.status !== 'present') return property
      return property.value.isDefault
        ? { status: 'absent' }
        : { status: 'present', value: property.value.value }
    },
    effective: (name) => textOf(wanted(properties(name), 'property', name)),
    peek: (name) => {
      const property = properties(name)
      return property === undefined ? undefined : textOf(property)
    },
    tag: (name) => wanted(tags.get(name), 'tag', name),
    usb: () => wanted<readonly UsbAssignment[]>(usb, 'usb'),
    denied: () => wanted(denied, 'denied'),
    slic: () => wanted(tables, 'slic'),
  }
}

const textOf = (property: Observation<PropertyAnswer>): Observation<string> =>
  property.status === 'present' ? { status: 'present', value: property.value.value } : property

const NOT_READ = undefined

function wanted<T>(value: Observation<T> | undefined, ...what: readonly string[]): Observation<T> {
  if (value === undefined) throw new Error(`${what.join(' ')} was not read`)
  return value
}

async function readProperties(
  client: Client,
  qube: string,
  names: readonly string[],
): Promise<(name: string) => Observation<PropertyAnswer> | undefined> {
  if (names.length < GET_ALL_FROM) {
    const read = await eachNamed(names, async (name) =>
      known(await observe(getProperty(client, qube, name)), qube, name),
    )
    return (name) => read.get(name)
  }
  const all = await observe(getSomeProperties(client, qube))
  return (name) => {
    if (all.status !== 'present') return names.includes(name) ? all : undefined
    const property = all.value(name)
    return known(
      property === undefined ? { status: 'absent' } : { status: 'present', value: property },
      qube,
      name,
    )
  }
}

/** A property that this class of qube does not have is not one at its default: it cannot be set either. */
function known(seen: Observation<PropertyAnswer>, qube: string, name: string): Observation<PropertyAnswer> {
  return seen.status === 'absent' ? noSuchProperty(qube, name) : seen
}

async function readTags(
  client: Client,
  qube: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Observation<true>>> {
  const seen = (has: boolean): true | undefined => (has ? true : undefined)
  if (names.length < LIST_TAGS_FROM) {
    return eachNamed(names, (name) => observe(hasTag(client, qube, name).then(seen)))
  }
  const all = await observe(listTags(client, qube))
  const inList = (name: string): Observation<true> => {
    if (all.status !== 'present') return all
    return all.value.includes(name) ? { status: 'present', value: true } : { status: 'absent' }
  }
  return new Map(names.map((name) => [name, inList(name)]))
}

function readDenied(client: Client, release: Release, qube: string): Promise<Observation<readonly string[]>> {
  return release === '4.2' ? Promise.resolve({ status: 'absent' }) : observe(listDenied(client, qube))
}

async function eachNamed<T>(
  names: readonly string[],
  read: (name: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const values = await Promise.all(names.map(read))
  return new Map(names.map((name, index) => [name, values[index] as T]))
}

const observe = <T>(reading: Promise<T | undefined>): Promise<Observation<T>> =>
  reading.then(present, unknownOf)

const present = <T>(value: T | undefined): Observation<T> =>
  value === undefined ? { status: 'absent' } : { status: 'present', value }

/** What one call could not tell is unknown; that the daemon is gone is everybody's failure. */
function unknownOf(error: unknown): Unknown {
  const failure = asHostError(error)
  if (failure.fatal) throw failure
  return { status: 'unknown', why: failure.message, hint: failure.hint }
}

async function writeCall(options: QubesHostOptions, release: Release, call: HostCall): Promise<void> {
  const { client, slic } = options
  try {
    if (call.method === SLIC_SET) await slic.set(call.arg, call.payload.split('\n'))
    else if (call.method === SLIC_REMOVE) await slic.remove(call.arg)
    else await send(client, call)
  } catch (error) {
    const instead = release === '4.2' ? persistenceCall(call, error) : undefined
    if (instead === undefined) throw asHostError(error)
    await writeCall(options, '4.3', instead)
  }
}

/**
 * On 4.2 a device that is attached for now is kept by saying so, not by attaching it again; and one that a running qube
 * keeps cannot be detached, only be kept no longer.
 */
function persistenceCall(call: HostCall, error: unknown): HostCall | undefined {
  if (!(error instanceof QubesdError)) return undefined
  const method = 'admin.vm.device.usb.Set.persistent'
  if (call.method === 'admin.vm.device.usb.Attach' && error.code === 'already-assigned')
    return { ...call, method, payload: 'True' }
  if (call.method === 'admin.vm.device.usb.Detach' && error.message.includes('QubesVMNotHaltedError'))
    return { ...call, method, payload: 'False' }
  return undefined
}
