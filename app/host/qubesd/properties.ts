import {
  type Client,
  getProperties,
  getProperty,
  getSomeProperties,
  listProperties,
  type PropertyAnswer,
} from '../../../qubesd/index.ts'
import { type Observation, type Unknown } from '../../../reconciler/index.ts'
import { hasCode } from '../../../spec/diagnostics/index.ts'
import { unknownOf } from './failures.ts'

/**
 * What qubesd tells of the properties of a qube. One that it fails to work out (a loop of GUI qubes, say) takes along all that are
 * asked for at once: then each is asked for by itself, and only that one is unknown.
 */
export type ToldProperty = Observation<PropertyAnswer>

/** Absent where this class of qube has none of that name; undefined where neither it nor all were asked for. */
export type Properties = (name: string) => ToldProperty | undefined

/** With this many properties of a qube to read, one GetAll is cheaper than as many Gets. */
const GET_ALL_FROM = 2

/** Those named. `unknown` says why one cannot be told, or throws. */
export function readProperties(
  client: Client,
  qube: string,
  names: readonly string[],
  unknown: (error: unknown) => Unknown = unknownOf,
): Promise<Properties> {
  if (names.length < GET_ALL_FROM) return readEach(client, qube, names, unknown).then(within)
  return getSomeProperties(client, qube).then(
    (all): Properties =>
      (name) =>
        told(all(name)),
    (error: unknown) => {
      if (isOverOne(error)) return readEach(client, qube, names, unknown).then(within)
      const all = unknown(error)
      return (name) => (names.includes(name) ? all : undefined)
    },
  )
}

/** All that the qube has. Unknown as a whole where not one can be told. */
export async function readAllProperties(
  client: Client,
  qube: string,
): Promise<Observation<ReadonlyMap<string, ToldProperty>>> {
  try {
    const all = await getProperties(client, qube)
    return { status: 'present', value: new Map([...all].map(([name, answer]) => [name, told(answer)])) }
  } catch (error) {
    const failure = unknownOf(error)
    if (!isOverOne(error)) return failure
    const names = await listProperties(client, qube).catch(unknownOf)
    if ('status' in names) return names
    const each = await readEach(client, qube, names, unknownOf)
    return [...each.values()].some(({ status }) => status === 'present')
      ? { status: 'present', value: each }
      : failure
  }
}

/** qubesd says nothing where it fails inside, and where it forbids: asking for each by itself shows which it was. */
const isOverOne = (error: unknown): boolean => hasCode(error, 'refused')

function readEach(
  client: Client,
  qube: string,
  names: readonly string[],
  unknown: (error: unknown) => Unknown,
): Promise<ReadonlyMap<string, ToldProperty>> {
  return eachNamed(names, (name) => getProperty(client, qube, name).then(told, unknown))
}

export function eachNamed<T>(
  names: readonly string[],
  read: (name: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  if (names.length === 0) return Promise.resolve(new Map())
  return Promise.all(names.map(read)).then((values) => {
    const named = new Map<string, T>()
    values.forEach((value, index) => named.set(names[index] ?? '', value))
    return named
  })
}

const within =
  (read: ReadonlyMap<string, ToldProperty>): Properties =>
  (name) =>
    read.get(name)

const told = (property: PropertyAnswer | undefined): ToldProperty =>
  property === undefined ? ABSENT : { status: 'present', value: property }

const ABSENT = { status: 'absent' } as const
