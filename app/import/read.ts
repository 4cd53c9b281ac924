import { providers } from '../../providers/index.ts'
import {
  type Host,
  type Observation,
  observeQube,
  type QubeFacts,
  type Unknown,
} from '../../reconciler/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { type LeftOut } from '../../spec/export/index.ts'
import { RECORD_FEATURE, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { type ConnectedHost } from '../host/index.ts'
import { decode, type ImportCandidate, pathsIn, type QubeInventory, readAllSettings } from './inventory.ts'
import { isNoise, isReserved } from './noise.ts'

export interface ImportedQube {
  readonly name: string
  readonly settings: ReadonlyMap<string, Value>
  readonly leftOut: readonly LeftOut[]
  readonly isWindows: boolean
  /** Set, and left out as bookkeeping of guest or host. */
  readonly noise: number
  /** Paths that qstate owns there: a spec without them would withdraw them. */
  readonly owned: ReadonlySet<string>
  /** Those of them that cannot be read now, and are written as qstate last set them. */
  readonly fromRecord: readonly string[]
  /** The configuration that owns them, where that has a name. */
  readonly owner: string | null
}

/** Everything that is set on a qube, as values of a spec. */
export async function readQube(
  candidate: ImportCandidate,
  { host, version }: ConnectedHost,
  all: boolean,
): Promise<ImportedQube> {
  const { qube } = candidate
  const facts = { qube, version }
  const seen = await readAllSettings(candidate, host)
  const { applied, values, owner } = await readOwned(facts, seen, host)
  const settings = new Map<string, Value>()
  const fromRecord: string[] = []
  const leftOut = seen.unread.map(([path, why]) => leave(path, why, qube.name))
  let noise = 0
  for (const path of new Set([...pathsIn(seen).filter((path) => !isReserved(path)), ...applied.keys()])) {
    const read = values.get(path) ?? decode(path, seen.reading, facts)
    const last = applied.get(path)
    if (read.status === 'unknown' && last !== undefined) {
      settings.set(path, last)
      fromRecord.push(path)
      continue
    }
    const found = sayable(path, read)
    if (found.status === 'unknown') leftOut.push(leave(path, found, qube.name))
    if (found.status !== 'present') continue
    if (!all && isNoise(path, found.value) && last === undefined) noise += 1
    else settings.set(path, found.value)
  }
  return {
    name: qube.name,
    settings,
    leftOut,
    isWindows: looksLikeWindows(qube.name, seen),
    noise,
    owned: new Set(applied.keys()),
    fromRecord,
    owner,
  }
}

/** Without the qube's own name: what is so for all of them is said once. */
function leave(path: string, { problem: found }: Unknown, qube: string): LeftOut {
  const hint = found.hint.replace(` ${qube} allow `, ' QUBE allow ').replace(/\s+/g, ' ')
  const message = found.message.replace(` on ${qube}: `, ': ')
  return { path, value: null, problem: { ...found, message, hint } }
}

/**
 * What qstate owns on a qube, as it was last set and as it is now. Policy may keep the lists of a qube from a management qube;
 * what the record names is then read by name.
 */
async function readOwned(
  facts: QubeFacts,
  { features, unread }: QubeInventory,
  host: Host,
): Promise<{
  readonly applied: ReadonlyMap<string, Value>
  readonly values: ReadonlyMap<string, Observation<Value>>
  readonly owner: string | null
}> {
  const none = { applied: new Map(), values: new Map(), owner: null }
  if (unread.length === 0 && !features.includes(RECORD_FEATURE)) return none
  const { record, values } = await observeQube(host, providers, facts, null)
  if (record.kind !== 'record') return none
  const applied = new Map(
    [...record.record.set].flatMap(([path, value]) => (value === null ? [] : [[path, value] as const])),
  )
  return { applied, values, owner: record.record.name }
}

function sayable(path: string, seen: Observation<Value>): Observation<Value> {
  const strange = path === SLIC_TABLES && seen.status === 'present' ? strangeTables(seen.value) : undefined
  return strange === undefined
    ? seen
    : { status: 'unknown', problem: problem('table-unavailable', strange, '') }
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

function looksLikeWindows(name: string, { features, tags, reading }: QubeInventory): boolean {
  const os = features.includes('os') ? reading.feature('os') : undefined
  if (os?.status === 'present') return os.value === 'Windows'
  return /win/i.test(name) || tags.some((tag) => /^win/i.test(tag))
}
