import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Simulator } from '../../simulator/index.ts'

/** Everything that a host holds, one line each: `QUBE feature NAME` and its value. Two hosts are alike if these are. */
export type Snapshot = ReadonlyMap<string, string>

export const RECORD = 'qstate.applied'

/** Reads the simulated host itself and the files of its dom0, past the socket. */
export function takeSnapshot(simulator: Simulator, dom0: string): Snapshot {
  const { host } = simulator
  const lines = new Map<string, string>()
  for (const qube of host.qubes.values()) {
    lines.set(`${qube.name} state`, `${qube.klass} ${qube.state}`)
    for (const [name, value] of qube.features) lines.set(`${qube.name} feature ${name}`, value)
    for (const [name, value] of qube.properties) lines.set(`${qube.name} property ${name}`, textOf(value))
    for (const tag of qube.tags) lines.set(`${qube.name} tag ${tag}`, 'yes')
    for (const item of qube.assignments.values()) {
      const { backend, port, deviceId, mode, options } = item
      const key = `${qube.name} usb ${backend ?? '*'}+${port}:${deviceId}`
      lines.set(key, [mode, ...[...options].map(([k, v]) => `${k}=${v}`)].join(' '))
    }
  }
  for (const [device, qube] of host.attachments) lines.set(`attached ${device}`, qube)
  for (const [name, value] of host.globals) lines.set(`global ${name}`, textOf(value))
  for (const file of filesBelow(dom0)) lines.set(`file ${file}`, readFileSync(join(dom0, file), 'latin1'))
  return lines
}

/** As qubesd prints it. */
const textOf = (value: string | number | bigint | boolean | null): string =>
  value === null ? '' : typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** What differs, for people and for `deepEqual([])`: `KEY: BEFORE -> AFTER`. */
export function differences(before: Snapshot, after: Snapshot): readonly string[] {
  return changedKeys(before, after).map(
    (key) => `${key}: ${before.get(key) ?? 'nothing'} -> ${after.get(key) ?? 'nothing'}`,
  )
}

export function changedKeys(before: Snapshot, after: Snapshot): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((key) => before.get(key) !== after.get(key))
}

/** Without the ownership records: they hold the time of writing, and are compared by what they own. */
export function withoutRecords(snapshot: Snapshot): Snapshot {
  return new Map([...snapshot].filter(([key]) => !key.endsWith(` feature ${RECORD}`)))
}

/** What the records say is owned, `QUBE PATH` to the value as JSON, and where asked for, replaced values (`was`). */
export function ownedIn(snapshot: Snapshot, part: 'set' | 'was' = 'set'): Readonly<Record<string, string>> {
  const owned: Record<string, string> = {}
  for (const [key, text] of snapshot) {
    if (!key.endsWith(` feature ${RECORD}`)) continue
    const qube = key.slice(0, key.indexOf(' '))
    const record = JSON.parse(text) as { set: Record<string, unknown>; was?: Record<string, unknown> }
    for (const [path, value] of Object.entries(record[part] ?? {}))
      owned[`${qube} ${path}`] = JSON.stringify(value)
  }
  return owned
}
