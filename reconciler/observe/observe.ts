import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, RECORD_FEATURE, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { parseRecord, type RecordReading } from '../ownership/index.ts'
import {
  type Host,
  type HostQube,
  type Needs,
  needsOf,
  NO_NEEDS,
  type Observation,
  type Present,
  type Provider,
  providerOf,
  type Providers,
  type QubeFacts,
  type Reading,
} from '../ports/index.ts'

/** One qube as it was seen: the settings that the spec or the record name, and the record itself. */
export interface ObservedQube {
  readonly facts: QubeFacts
  readonly values: ReadonlyMap<string, Observation<Value>>
  readonly record: RecordReading
  /** Text of the record's feature, as guard. `null`: not set. */
  readonly recordText: string | null
  /** A property that was not asked for, where an answer happened to hold it. */
  readonly peek: Reading['peek']
}

/** What has been read of a qube at first, and not been judged yet: the wanted settings and the record. */
export interface Look {
  readonly facts: QubeFacts
  readonly needs: Needs
  readonly reading: Reading
}

/** Reads the wanted settings of a qube and its record at once. In a settled state that is all. */
export async function lookAt(
  host: Host,
  providers: Providers,
  facts: QubeFacts,
  wanted: DesiredQube | null,
): Promise<Look> {
  const own = ownNeeds(facts)
  const properties = [...own.properties, ...ensureNeeds(wanted?.ensure, wanted?.settings)]
  const needs = needsOf(providers, wanted?.settings.keys() ?? [], { ...own, properties })
  const reading = await host.read(facts.qube.name, needs)
  return { facts: identified(facts, reading), needs, reading }
}

/** Properties that tell whether a qube is what its `ensure` says, beyond what its settings say. */
export function ensureNeeds(
  ensure: DesiredQube['ensure'] | null,
  settings: ReadonlyMap<string, unknown> = new Map(),
): readonly string[] {
  if (ensure === undefined || ensure === null || ensure === 'absent') return []
  return [
    ...(settings.has('qube/label') ? [] : ['label']),
    ...(ensure.template === null || settings.has('qube/properties/template') ? [] : ['template']),
  ]
}

/** What was seen; where the record names settings that the spec no longer does, those are read, too. */
export async function observeFrom(
  { facts, reading }: Look,
  host: Host,
  providers: Providers,
  wanted: DesiredQube | null,
): Promise<ObservedQube> {
  const paths = wanted === null ? [] : [...wanted.settings.keys()]
  const { record, recordText } = readRecord(facts.qube, reading)
  const first = decode(providers, paths, reading, facts)
  const owned = record.kind === 'record' ? [...record.record.set.keys()] : []
  const more = owned.filter((path) => !first.has(path))
  const values = await withMore(host, providers, facts, first, more)
  return {
    facts: await withTables(host, facts, wanted),
    values,
    record,
    recordText,
    peek: reading.peek,
  }
}

/** What has been read, and some settings that have not been. */
export async function withMore(
  host: Host,
  providers: Providers,
  facts: QubeFacts,
  values: ReadonlyMap<string, Observation<Value>>,
  more: readonly string[],
): Promise<ReadonlyMap<string, Observation<Value>>> {
  if (more.length === 0) return values
  const reading = await host.read(facts.qube.name, needsOf(providers, more))
  return new Map([...values, ...decode(providers, more, reading, facts)])
}

/** Reads what is needed of one qube and no more. */
export async function observeQube(
  host: Host,
  providers: Providers,
  facts: QubeFacts,
  wanted: DesiredQube | null,
): Promise<ObservedQube> {
  return observeFrom(await lookAt(host, providers, facts, wanted), host, providers, wanted)
}

/** A qube that is not there yet, as it will be when it has just been created: nothing is set but what creates it. */
export async function foreseeQube(
  host: Host,
  providers: Providers,
  facts: QubeFacts,
  wanted: DesiredQube,
  created: ReadonlyMap<string, Value>,
): Promise<ObservedQube> {
  const values = [...wanted.settings.keys()].map((path): [string, Observation<Value>] => {
    const value = created.get(path)
    const seen = value === undefined ? null : providerOf(providers, path).normalize(path, value, facts)
    return [path, seen === null ? { status: 'absent' } : { status: 'present', value: seen }]
  })
  return {
    facts: await withTables(host, facts, wanted),
    values: new Map(values),
    record: { kind: 'none' },
    recordText: null,
    peek: () => undefined,
  }
}

/** Whether the host has the tables that are asked for: looked at here, so that the plan can say so. */
async function withTables(host: Host, facts: QubeFacts, wanted: DesiredQube | null): Promise<QubeFacts> {
  const tables = wanted?.settings.get(SLIC_TABLES)?.value
  if (!Array.isArray(tables)) return facts
  const hostTables = new Map<string, Problem>()
  for (const table of tables as readonly string[]) {
    const why = await host.tableProblem(table)
    if (why !== undefined) hostTables.set(table, why)
  }
  return { ...facts, hostTables }
}

/** Reads only whose a qube is. */
export async function observeRecord(
  host: Host,
  facts: QubeFacts,
): Promise<Pick<ObservedQube, 'record' | 'recordText'>> {
  const reading = await host.read(facts.qube.name, { ...NO_NEEDS, ...ownNeeds(facts) })
  return readRecord(identified(facts, reading).qube, reading)
}

/** Whose the qube is: its record, and its UUID where the listing does not tell it. */
const ownNeeds = ({ qube }: QubeFacts): Pick<Needs, 'features' | 'properties'> => ({
  features: [RECORD_FEATURE],
  properties: qube.uuid === null ? ['uuid'] : [],
})

/** Reads given settings again, with the record: the guard before a write, and the proof after it. */
export async function observePaths(
  host: Host,
  providers: Providers,
  facts: QubeFacts,
  paths: readonly string[],
): Promise<{
  readonly values: ReadonlyMap<string, Observation<Value>>
  readonly recordText: Observation<string>
}> {
  const reading = await host.read(facts.qube.name, needsOf(providers, paths, { features: [RECORD_FEATURE] }))
  return { values: decode(providers, paths, reading, facts), recordText: reading.feature(RECORD_FEATURE) }
}

function readRecord(qube: HostQube, reading: Reading): Pick<ObservedQube, 'record' | 'recordText'> {
  const text = reading.feature(RECORD_FEATURE)
  if (text.status === 'unknown') {
    return { record: { kind: 'unreadable', problem: text.problem }, recordText: null }
  }
  if (text.status === 'absent') return { record: { kind: 'none' }, recordText: null }
  if (qube.uuid === null) {
    const hint = 'the property uuid has to be readable'
    const unreadable = problem('unreadable-uuid', 'the qube does not tell its UUID', hint)
    return { record: { kind: 'unreadable', problem: unreadable }, recordText: text.value }
  }
  const record = parseRecord(text.value, { name: qube.name, uuid: qube.uuid })
  return { record, recordText: text.value }
}

/** With the UUID, where the listing did not tell it and it has been read. */
function identified(facts: QubeFacts, reading: Reading): QubeFacts {
  if (facts.qube.uuid !== null) return facts
  const uuid = reading.effective('uuid')
  return { ...facts, qube: { ...facts.qube, uuid: uuid.status === 'present' ? uuid.value : null } }
}

function decode(
  providers: Providers,
  paths: readonly string[],
  reading: Reading,
  facts: QubeFacts,
): Map<string, Observation<Value>> {
  const values = new Map<string, Observation<Value>>()
  for (const path of paths) {
    const provider = providerOf(providers, path)
    const seen = provider.decode(path, reading, facts)
    values.set(path, seen.status === 'present' ? presentIfAny(provider, path, seen, facts) : seen)
  }
  return values
}

/** A value that means absence (a template without tables) is none. Any other stays as exact as it was read. */
function presentIfAny(
  provider: Provider,
  path: string,
  seen: Present<Value>,
  facts: QubeFacts,
): Observation<Value> {
  const value = provider.normalize(path, seen.value, facts)
  return value === null ? { status: 'absent' } : seen
}
