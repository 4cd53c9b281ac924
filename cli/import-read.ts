import { providers } from '../providers/index.ts'
import { getProperties, listFeatures, listTags } from '../qubesd/admin.ts'
import { QubesdError } from '../qubesd/errors.ts'
import { type PropertyAnswer } from '../qubesd/parse.ts'
import { type HostQube, observeQube, type Observation, type Reading } from '../reconciler/index.ts'
import { AREAS, parsePath, RECORD_FEATURE, settingOf, SLIC_TABLES, type Value } from '../spec/index.ts'
import { type LeftOut } from '../spec/write-manifest.ts'
import { isNoise, NO_SETTING } from './import-noise.ts'
import { type Session } from './session.ts'

type Properties = ReadonlyMap<string, PropertyAnswer>

/** A qube that may be imported, and its properties or why they cannot be read. */
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
  return { qube, properties: await attempt(() => getProperties(session.client, qube.name)) }
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
export async function readQube(
  { qube, properties }: Candidate,
  session: Session,
  all: boolean,
): Promise<ImportedQube> {
  const [features, tags] = await Promise.all([
    attempt(() => listFeatures(session.client, qube.name)),
    attempt(() => listTags(session.client, qube.name)),
  ])
  const featureNames = features.status === 'present' ? features.value : []
  const read = await session.host.read(qube.name, {
    features: featureNames.filter((name) => name !== RECORD_FEATURE),
    properties: [],
    tags: [],
    usb: true,
    denied: true,
    slic: true,
  })
  const tagNames = tags.status === 'present' ? tags.value : []
  const reading: Reading = {
    ...read,
    property: (name) => propertyIn(properties, name),
    tag: (name) => (tagNames.includes(name) ? { status: 'present', value: true } : { status: 'absent' }),
  }
  const facts = { qube, release: session.release }
  const record = featureNames.includes(RECORD_FEATURE)
    ? (await observeQube(session.host, providers, facts, null)).record
    : { kind: 'none' as const }
  const owned =
    record.kind === 'record' ? [...record.record.set].flatMap(([path, v]) => (v === null ? [] : [path])) : []

  const settings = new Map<string, Value>()
  const leftOut: LeftOut[] = []
  let noise = 0
  const leave = (path: string | null, why: string, hint: string, value: Value | null = null): void => {
    leftOut.push({ path, value, why: hint === '' ? why : `${why} (${hint})` })
  }
  if (properties.status === 'unknown') leave('qube/properties', properties.why, properties.hint)
  if (features.status === 'unknown') leave('qube/features', features.why, features.hint)
  if (tags.status === 'unknown') leave('tags/', tags.why, tags.hint)
  for (const path of pathsIn(reading, featureNames, properties, tagNames, leave)) {
    if (parsePath(path) === undefined) {
      leave(path, 'qstate manages nothing of this name', '')
      continue
    }
    const provider = providers.get(AREAS.find((area) => path.startsWith(`${area}/`)) ?? 'qube')
    const seen = provider?.decode(path, reading, facts) ?? { status: 'absent' as const }
    if (seen.status === 'unknown') leave(path, seen.why, seen.hint)
    if (seen.status !== 'present') continue
    const strange = path === SLIC_TABLES ? strangeTables(seen.value) : undefined
    if (strange !== undefined) leave(path, strange, '')
    else if (!all && isNoise(path, seen.value) && !owned.includes(path)) noise += 1
    else settings.set(path, seen.value)
  }
  return {
    name: qube.name,
    settings,
    leftOut,
    isWindows: looksLikeWindows(
      qube.name,
      tagNames,
      featureNames.includes('os') ? read.feature('os') : undefined,
    ),
    noise,
    owned: new Set(owned),
    owner: record.kind === 'record' ? record.record.name : null,
  }
}

function propertyIn(properties: Observation<Properties>, name: string): Observation<string> {
  if (properties.status !== 'present') return properties
  const property = properties.value.get(name)
  return property === undefined || property.isDefault
    ? { status: 'absent' }
    : { status: 'present', value: property.value }
}

function pathsIn(
  reading: Reading,
  features: readonly string[],
  properties: Observation<Properties>,
  tags: readonly string[],
  leave: (path: string, why: string, hint: string) => void,
): readonly string[] {
  const [usb, denied] = [reading.usb(), reading.denied()]
  if (usb.status === 'unknown') leave('usb/', usb.why, usb.hint)
  if (denied.status === 'unknown') leave('usb/denied', denied.why, denied.hint)
  const propertyNames = properties.status === 'present' ? [...properties.value.keys()] : []
  return [
    SLIC_TABLES,
    ...propertyNames
      .filter((name) => !NO_SETTING.has(name))
      .map((name) => settingOf('property', name)?.path ?? `qube/properties/${name}`),
    ...features
      .filter((name) => name !== RECORD_FEATURE)
      .map((name) => settingOf('feature', name)?.path ?? `qube/features/${name}`),
    ...(usb.status === 'present' ? usb.value : []).map((a) => `usb/${a.backend}+${a.port}:${a.identity}`),
    ...(denied.status === 'present' ? denied.value : []).map((pattern) => `usb/denied/${pattern}`),
    ...tags.map((name) => `tags/${name}`),
  ]
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

function looksLikeWindows(
  name: string,
  tags: readonly string[],
  os: Observation<string> | undefined,
): boolean {
  if (os?.status === 'present') return os.value === 'Windows'
  return /win/i.test(name) || tags.some((tag) => /^win/i.test(tag))
}
