import { errorAt, formatRange, problem, quote, type SourceRange } from '../diagnostics/index.ts'
import {
  backendProblem,
  identityProblem,
  nameProblem,
  parseUsbKey,
  portProblem,
  type UsbDevice,
  wildProblem,
} from '../vocabulary/index.ts'
import { type Entry, get, partOf, type Written, type WrittenMap } from '../yaml/index.ts'
import { readBody } from './body.ts'
import { checkName, type Reading } from './context.ts'
import { NO_DRIFT } from './drift.ts'
import { type Body, type Match, type Selector } from './manifest.ts'
import { builtInBodies } from './profiles.ts'

/** The name of the configuration: one over all documents. */
export function readName(documents: readonly Written[], { refused, report }: Reading): string | null {
  let first: { readonly value: string; readonly position: SourceRange } | undefined
  for (const document of documents) {
    const name = get(document, 'name')
    if (name?.kind !== 'text' || refused.has(name)) continue
    const what = nameProblem('configuration', name.value)
    if (what !== undefined) report(errorAt(name.position, what))
    else if (first !== undefined && first.value !== name.value) {
      const hint = `${quote(first.value)} at ${formatRange(first.position)}; all files together are one configuration`
      report(errorAt(name.position, problem('two-names', 'the configuration has another name already', hint)))
    }
    first ??= name
  }
  return first?.value ?? null
}

/** Devices by name. One that is wrong keeps its name, with no device: it is not unknown. */
export function readDevices(
  documents: readonly Written[],
  reading: Reading,
): ReadonlyMap<string, UsbDevice | null> {
  const devices = new Map<string, UsbDevice | null>()
  for (const [name, entry] of declarations(documents, 'devices', 'device', reading)) {
    devices.set(name, readDevice(entry.value, reading))
  }
  return devices
}

function readDevice(written: Written, { refused, report }: Reading): UsbDevice | null {
  const parts = ['backend', 'port', 'identity'].map((key) => get(written, key))
  if ([written, ...parts].some((part) => part !== undefined && refused.has(part))) return null
  if (written.kind === 'text') {
    const parsed = parseUsbKey(written.value)
    if (!('problem' in parsed)) return parsed
    report(errorAt(partOf(written, parsed.start, parsed.length), parsed.problem))
    return null
  }
  const part = (key: string): string => {
    const value = get(written, key)
    return value?.kind === 'text' ? value.value : '*'
  }
  const device = { backend: part('backend'), port: part('port'), identity: part('identity') }
  const problems = [
    ['backend', backendProblem(device.backend)],
    ['port', portProblem(device.port)],
    ['identity', identityProblem(device.identity)],
    ['', wildProblem(device.port, device.identity)],
  ] as const
  const wrong = problems.filter(([, what]) => what !== undefined)
  for (const [key, what] of wrong) {
    if (what !== undefined) report(errorAt((get(written, key) ?? written).position, what))
  }
  return wrong.length > 0 ? null : device
}

export function readProfiles(documents: readonly Written[], reading: Reading): ReadonlyMap<string, Body> {
  const profiles = new Map<string, Body>()
  for (const [name, entry] of declarations(documents, 'profiles', 'profile', reading)) {
    if (builtInBodies().has(name)) {
      const hint = 'give it another name; it can extend the built-in one'
      reading.report(
        errorAt(
          entry.key.position,
          problem('built-in-profile', `the profile ${quote(name)} is built in`, hint),
        ),
      )
    } else profiles.set(name, bodyOf(entry, reading))
  }
  return profiles
}

export function readQubes(documents: readonly Written[], reading: Reading): ReadonlyMap<string, Body> {
  const declared = declarations(documents, 'qubes', 'qube', reading)
  return new Map([...declared].map(([name, entry]) => [name, bodyOf(entry, reading)]))
}

/** A body that was refused stays as a name with nothing in it. */
function bodyOf({ key, value }: Entry, reading: Reading): Body {
  if (value.kind === 'map' && !reading.refused.has(value)) {
    return { ...readBody(value, reading), position: key.position }
  }
  return {
    extends: [],
    statements: new Map(),
    drift: NO_DRIFT,
    restart: null,
    ensure: null,
    position: key.position,
    complete: false,
  }
}

export function readSelectors(documents: readonly Written[], reading: Reading): readonly Selector[] {
  return documents.flatMap((document) => {
    const list = get(document, 'select')
    if (list?.kind !== 'list' || reading.refused.has(list)) return []
    return list.items.flatMap((item) =>
      item.kind === 'map' && !reading.refused.has(item)
        ? [{ ...readBody(item, reading), match: readMatch(item) }]
        : [],
    )
  })
}

function readMatch(selector: WrittenMap): Match {
  const match = get(selector, 'match')
  const text = (key: string): string | null => {
    const value = get(match, key)
    return value?.kind === 'text' ? value.value : null
  }
  return { tag: text('tag'), name: text('name'), klass: text('class') }
}

/** Names of one kind over all documents, each declared once. */
function declarations(
  documents: readonly Written[],
  key: 'devices' | 'profiles' | 'qubes',
  kind: 'device' | 'profile' | 'qube',
  { refused, report }: Reading,
): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>()
  for (const document of documents) {
    const map = get(document, key)
    if (map?.kind !== 'map' || refused.has(map)) continue
    for (const [name, entry] of map.entries) {
      const first = found.get(name)
      if (first !== undefined) {
        const what = problem(
          `duplicate-${kind}`,
          `the ${kind} ${quote(name)} is declared twice`,
          `first at ${formatRange(first.key.position)}; put everything about it in one place`,
        )
        report(errorAt(entry.key.position, what))
        continue
      }
      checkName(report, kind, entry)
      found.set(name, entry)
    }
  }
  return found
}
