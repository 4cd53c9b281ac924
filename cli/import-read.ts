import { providers } from '../providers/index.ts'
import { readAllProperties, type ToldProperty } from '../providers/properties.ts'
import { listFeatures, listTags } from '../qubesd/admin.ts'
import { QubesdError } from '../qubesd/errors.ts'
import {
  type HostQube,
  observeQube,
  type Observation,
  type QubeFacts,
  type Reading,
  type Unknown,
  type UsbAssignment,
} from '../reconciler/index.ts'
import { AREAS, parsePath, RECORD_FEATURE, settingOf, SLIC_TABLES, type Value } from '../spec/index.ts'
import { type LeftOut } from '../spec/write-manifest.ts'
import { isNoise, isReserved } from './import-noise.ts'
import { type Session } from './session.ts'

type Properties = ReadonlyMap<string, ToldProperty>

/** A qube that may be imported, and its properties, each or all of them with why they cannot be read. */
export interface Candidate {
  readonly qube: HostQube
  readonly properties: Observation<Properties>
}

export interface ImportedQube {
  readonly name: string
  readonly settings: ReadonlyMap<string, Value>
  readonly leftOut: readonly LeftOut[]
  readonly isWindows: boolean
  /** Set, and left out as bookkeeping of guest or host. */
  readonly noise: number
  /** Paths that qstate owns there: a spec without them would prune them. */
  readonly owned: ReadonlySet<string>
  /** The configuration that owns them, where that has a name. */
  readonly owner: string | null
}

export async function readCandidate(qube: HostQube, session: Session): Promise<Candidate> {
  return { qube, properties: await readAllProperties(session.client, qube.name) }
}

/** What one call could not tell is unknown; that the daemon does not answer at all ends the import. */
async function attempt<T>(read: () => Promise<T>): Promise<Observation<T>> {
  try {
    return { status: 'present', value: await read() }
  } catch (error) {
    if (!(error instanceof QubesdError) || error.retryable || error.code === 'aborted') throw error
    return { status: 'unknown', why: error.message, hint: error.hint }
  }
}

/** Everything that is set on a qube, as values of a spec. */
export async function readQube(candidate: Candidate, session: Session, all: boolean): Promise<ImportedQube> {
  const { qube } = candidate
  const facts = { qube, release: session.release }
  const seen = await look(candidate, session)
  const { owned, owner } = await ownership(facts, seen.features, session)
  const settings = new Map<string, Value>()
  const leftOut = [...seen.leftOut]
  let noise = 0
  for (const path of pathsIn(seen)) {
    const found = decode(path, seen.reading, facts)
    if (found.status === 'unknown') leftOut.push(leave(path, found, qube.name))
    if (found.status !== 'present') continue
    if (!all && isNoise(path, found.value) && !owned.has(path)) noise += 1
    else settings.set(path, found.value)
  }
  return {
    name: qube.name,
    settings,
    leftOut,
    isWindows: looksLikeWindows(qube.name, seen),
    noise,
    owned,
    owner,
  }
}

/** What lies on a qube by name, and a reading of all of it. */
interface Seen {
  readonly features: readonly string[]
  readonly properties: readonly string[]
  readonly tags: readonly string[]
  readonly usb: readonly UsbAssignment[]
  readonly denied: readonly string[]
  readonly reading: Reading
  /** Lists that could not be read. */
  readonly leftOut: readonly LeftOut[]
}

async function look({ qube, properties }: Candidate, session: Session): Promise<Seen> {
  const { client, host } = session
  const [features, tags] = await Promise.all([
    attempt(() => listFeatures(client, qube.name)),
    attempt(() => listTags(client, qube.name)),
  ])
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
    leftOut: lists.flatMap(([path, list]) =>
      list.status === 'unknown' ? [leave(path, list, qube.name)] : [],
    ),
  }
}

const listed = <T>(list: Observation<readonly T[]>): readonly T[] =>
  list.status === 'present' ? list.value : []

/** Without the qube's own name: what is so for all of them is said once. */
function leave(path: string, { why, hint }: Unknown, qube: string): LeftOut {
  const advice = hint.replace(` ${qube} allow `, ' QUBE allow ').replace(/\s+/g, ' ')
  const reason = why.replace(` on ${qube}: `, ': ')
  return { path, value: null, why: advice === '' ? reason : `${reason} (${advice})` }
}

async function ownership(
  facts: QubeFacts,
  features: readonly string[],
  { host }: Session,
): Promise<Pick<ImportedQube, 'owned' | 'owner'>> {
  if (!features.includes(RECORD_FEATURE)) return { owned: new Set(), owner: null }
  const { record } = await observeQube(host, providers, facts, null)
  if (record.kind !== 'record') return { owned: new Set(), owner: null }
  const owned = [...record.record.set].flatMap(([path, value]) => (value === null ? [] : [path]))
  return { owned: new Set(owned), owner: record.record.name }
}

/** How a candidate is started, as far as it can be told. */
export function modeOf({ properties }: Candidate): Observation<string> {
  if (properties.status !== 'present') return properties
  const mode = properties.value.get('virt_mode') ?? { status: 'absent' }
  return mode.status === 'present' ? { status: 'present', value: mode.value.value } : mode
}

function propertyIn(properties: Observation<Properties>, name: string): Observation<string> {
  if (properties.status !== 'present') return properties
  const property = properties.value.get(name) ?? { status: 'absent' }
  if (property.status !== 'present') return property
  return property.value.isDefault ? { status: 'absent' } : { status: 'present', value: property.value.value }
}

function pathsIn({ features, properties, tags, usb, denied }: Seen): readonly string[] {
  return [
    SLIC_TABLES,
    ...properties.map((name) => settingOf('property', name)?.path ?? `qube/properties/${name}`),
    ...features.map((name) => settingOf('feature', name)?.path ?? `qube/features/${name}`),
    ...usb.map((device) => `usb/${device.backend}+${device.port}:${device.identity}`),
    ...denied.map((pattern) => `usb/denied/${pattern}`),
    ...tags.map((name) => `tags/${name}`),
  ].filter((path) => !isReserved(path))
}

function decode(path: string, reading: Reading, facts: QubeFacts): Observation<Value> {
  const provider = providers.get(AREAS.find((area) => path.startsWith(`${area}/`)) ?? 'qube')
  if (parsePath(path) === undefined || provider === undefined) {
    return { status: 'unknown', why: 'qstate manages nothing of this name', hint: '' }
  }
  const seen = provider.decode(path, reading, facts)
  const strange = path === SLIC_TABLES && seen.status === 'present' ? strangeTables(seen.value) : undefined
  return strange === undefined ? seen : { status: 'unknown', why: strange, hint: '' }
}

/** A template of qstate's that is not as it was written, or whose table came from a file that nobody knows here. */
function strangeTables(value: Value): string | undefined {
  const tables = Array.isArray(value) ? (value as readonly string[]) : []
  if (tables.some((table) => table.startsWith('edited:'))) {
    return 'the libvirt template of the qube was changed by hand since qstate wrote it'
  }
  if (tables.some((table) => table.startsWith('outdated:'))) {
    return 'the libvirt template of the qube no longer fits the tables or templates of this host'
  }
  const file = tables.find((table) => table.startsWith('file:'))
  return file === undefined
    ? undefined
    : `its table is from a file: name that as { file: FILE, sha256: ${file.slice('file:'.length)} }`
}

function looksLikeWindows(name: string, { features, tags, reading }: Seen): boolean {
  const os = features.includes('os') ? reading.feature('os') : undefined
  if (os?.status === 'present') return os.value === 'Windows'
  return /win/i.test(name) || tags.some((tag) => /^win/i.test(tag))
}
