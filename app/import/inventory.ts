import { providers } from '../../providers/index.ts'
import {
  type Host,
  type HostQube,
  type Observation,
  pathOfDevice,
  type QubeFacts,
  type QubeProperties,
  type Reading,
  type Unknown,
  type UsbAssignment,
} from '../../reconciler/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import {
  AREAS,
  parsePath,
  pathProblem,
  RECORD_FEATURE,
  settingOf,
  SLIC_TABLES,
  type Value,
} from '../../spec/index.ts'

/** A qube, and its properties, each or all of them with why they cannot be read. */
export interface ImportCandidate {
  readonly qube: HostQube
  readonly properties: Observation<QubeProperties>
}

export async function readCandidate(qube: HostQube, host: Host): Promise<ImportCandidate> {
  return { qube, properties: await host.properties(qube.name) }
}

/** How a candidate is started, as far as it can be told. */
export function modeOf({ properties }: ImportCandidate): Observation<string> {
  if (properties.status !== 'present') return properties
  const mode = properties.value.get('virt_mode') ?? { status: 'absent' }
  return mode.status === 'present' ? { status: 'present', value: mode.value.value } : mode
}

/** What lies on a qube by name, and a reading of all of it. */
export interface QubeInventory {
  readonly features: readonly string[]
  readonly properties: readonly string[]
  readonly tags: readonly string[]
  readonly usb: readonly UsbAssignment[]
  readonly denied: readonly string[]
  readonly reading: Reading
  /** Lists that could not be read, by the path of what is in them. */
  readonly unread: readonly (readonly [path: string, why: Unknown])[]
}

export async function readAllSettings(
  { qube, properties }: ImportCandidate,
  host: Host,
): Promise<QubeInventory> {
  const [features, tags] = await Promise.all([host.features(qube.name), host.tags(qube.name)])
  const featureNames = listed(features).filter((name) => name !== RECORD_FEATURE)
  const needs = { features: featureNames, properties: [], tags: [], usb: true, denied: true, slic: true }
  const read = await host.read(qube.name, needs)
  const [usb, denied] = [read.usb(), read.denied()]
  const lists = [
    ['qube/properties', properties],
    ['qube/features', features],
    ['tags/', tags],
    ['usb/', usb],
    ['usb/denied', denied],
  ] as const
  return {
    features: listed(features),
    properties: properties.status === 'present' ? [...properties.value.keys()] : [],
    tags: listed(tags),
    usb: listed(usb),
    denied: listed(denied),
    reading: {
      feature: (name) => read.feature(name),
      property: (name) => propertyIn(properties, name),
      effective: (name) => read.effective(name),
      peek: read.peek,
      tag: () => ({ status: 'present', value: true }),
      usb: () => usb,
      denied: () => denied,
      slic: () => read.slic(),
    },
    unread: lists.flatMap(([path, list]) => (list.status === 'unknown' ? [[path, list] as const] : [])),
  }
}

const listed = <T>(list: Observation<readonly T[]>): readonly T[] =>
  list.status === 'present' ? list.value : []

function propertyIn(properties: Observation<QubeProperties>, name: string): Observation<string> {
  if (properties.status !== 'present') return properties
  const property = properties.value.get(name) ?? { status: 'absent' }
  if (property.status !== 'present') return property
  return property.value.isDefault ? { status: 'absent' } : { status: 'present', value: property.value.value }
}

/** Where everything on it would stand in a state document, whether or not a spec can name it. */
export function pathsIn({ features, properties, tags, usb, denied }: QubeInventory): readonly string[] {
  return [
    SLIC_TABLES,
    ...properties.map((name) => settingOf('property', name)?.path ?? `qube/properties/${name}`),
    ...features.map((name) => settingOf('feature', name)?.path ?? `qube/features/${name}`),
    ...usb.map(pathOfDevice),
    ...denied.map((pattern) => `usb/denied/${pattern}`),
    ...tags.map((name) => `tags/${name}`),
  ]
}

/** Why no spec can name what is at a path; undefined where one can. */
export function unnameable(path: string): Unknown | undefined {
  if (parsePath(path) !== undefined) return undefined
  const none = problem('not-managed', 'qstate manages nothing of this name', '')
  return { status: 'unknown', problem: pathProblem(path) ?? none }
}

export function decode(path: string, reading: Reading, facts: QubeFacts): Observation<Value> {
  const provider = providers.get(AREAS.find((area) => path.startsWith(`${area}/`)) ?? 'qube')
  const why = unnameable(path)
  if (why !== undefined) return why
  if (provider === undefined) throw new Error(`${path} is in no area`)
  const seen = provider.decode(path, reading, facts)
  if (seen.status !== 'present') return seen
  const value = provider.normalize(path, seen.value, facts)
  return value === null ? seen : { status: 'present', value }
}
