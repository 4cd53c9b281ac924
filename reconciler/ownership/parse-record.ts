import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { isSeenValueFor, isSettingPath, isValueFor, RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { formatRecord, isEmptyRecord, type OwnershipRecord, recordTooLong, type Waits } from './record.ts'

export type RecordReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'record'; readonly record: OwnershipRecord }
  /** Another qube's: this one is a clone of it, or was restored under a new identity. Not believed. */
  | { readonly kind: 'foreign'; readonly uuid: string }
  | { readonly kind: 'unreadable'; readonly problem: Problem }

const NEWEST = 2

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Keys of version 2 that are read here; any other is carried along. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['v', 'uuid', 'name', 'commit', 'at', 'by'],
  ...['waits', 'once', 'free', 'orig', 'set'],
])

/**
 * Reads a record, which is untrusted: anything in it that qstate does not manage makes it unreadable as a whole. So does a
 * later version, whose words may mean something else. A key that version 2 does not know is kept and not read: a later field
 * of version 2 is one that may be carried along unread by a program that changes what the record owns (so it names settings
 * by path and not by place); any other needs another version.
 */
export function parseRecord(text: string | undefined, qube: { name: string; uuid: string }): RecordReading {
  if (text === undefined || text === '') return { kind: 'none' }
  const unreadable = (why: string): RecordReading => {
    const hint = `see it with \`qvm-features ${qube.name} ${RECORD_FEATURE}\`; \`qvm-features --unset ${qube.name} ${RECORD_FEATURE}\` makes qstate forget what it owns there, changing no value`
    return { kind: 'unreadable', problem: problem('unreadable-record', why, hint) }
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return unreadable('the ownership record is not JSON: something else wrote it')
  }
  if (!isObject(json)) return unreadable('the ownership record is not an object')
  const { v, uuid, name, commit, at, by, set } = json
  if (typeof v === 'number' && v > NEWEST) {
    return unreadable(
      `the ownership record is of version ${v}, and this qstate knows ${NEWEST}: use a newer qstate`,
    )
  }
  if ((v !== 1 && v !== 2) || typeof uuid !== 'string' || typeof at !== 'string' || !isObject(set))
    return unreadable('the ownership record lacks a part')
  if (uuid !== qube.uuid)
    return UUID.test(uuid) ? { kind: 'foreign', uuid } : unreadable('the ownership record names no UUID')
  const waits = parseWaits(json['waits'])
  const setMap = parseValues(set)
  const originals = setMap === undefined || v === 1 ? NONE : parseOriginals(json, setMap)
  const once = setMap === undefined || v === 1 ? new Set<string>() : parseOnce(json['once'], setMap)
  if (setMap === undefined || waits === undefined || originals === undefined || once === undefined)
    return unreadable('the ownership record names a setting or a value that qstate does not manage')
  const record: OwnershipRecord = {
    version: v,
    uuid,
    name: textOrNull(name),
    commit: textOrNull(commit),
    at,
    by: v === 1 ? null : textOrNull(by),
    set: setMap,
    originals,
    once,
    waits,
    extra: v === 1 ? {} : Object.fromEntries(Object.entries(json).filter(([key]) => !KNOWN.has(key))),
  }
  return { kind: 'record', record }
}

const NONE: ReadonlyMap<string, Value | null> = new Map()

/**
 * Whether the text of a record is that of this qube and configuration, and says of values these and no more: nothing that
 * waits. `values` is a JSON object, sorted by key. False where that cannot be told at a glance.
 */
export function holdsValues(
  text: string,
  { uuid, name }: Pick<OwnershipRecord, 'uuid' | 'name'>,
  values: string,
): boolean {
  const at = text.length - values.length - 1 - SET.length
  if (!text.endsWith('}') || !text.startsWith(values, at + SET.length) || !text.startsWith(SET, at))
    return false
  const whose = `,"uuid":"${uuid}"${name === null ? '' : `,"name":${JSON.stringify(name)}`}`
  const version = /^\{"v":[12]/.exec(text)?.[0].length
  if (version === undefined || !text.startsWith(whose, version)) return false
  const [head, originals] = WHEN.exec(text.slice(version + whose.length, at)) ?? []
  if (head === undefined || originals === undefined || values === '{}' || recordTooLong(text)) return false
  return originals === '' || areOriginals(originals, values)
}

const SET = ',"set":'
const WHEN =
  /^(?:,"commit":"[ !#-[\]-~]*")?,"at":"[ !#-[\]-~]*"(?:,"by":"[ !#-[\]-~]*")?((?:,"free":\[[0-9,]*\])?(?:,"orig":\{.*\})?)$/

/** Whether this, between the time and the values, says what was there before them, and nothing else. */
function areOriginals(text: string, values: string): boolean {
  try {
    const json = JSON.parse(`{${text.slice(1)}}`) as Record<string, unknown>
    const set = JSON.parse(values) as Record<string, Value | null>
    if (Object.keys(json).some((key) => key !== 'free' && key !== 'orig')) return false
    return parseOriginals(json, new Map(Object.entries(set))) !== undefined
  } catch {
    return false
  }
}

/** A qube's own record from a text that has been checked before, or null for none. */
export function ownRecord(
  text: string | null,
  qube: { name: string; uuid: string | null },
): OwnershipRecord | null {
  const reading = parseRecord(text ?? undefined, { name: qube.name, uuid: qube.uuid ?? '' })
  return reading.kind === 'record' ? reading.record : null
}

/** The text of a record, of which these settings count by now: null for none, undefined where it says so already. */
export function clearPendingRestart(
  text: string | null,
  qube: { name: string; uuid: string | null; isMade: boolean },
  paths: readonly string[],
): string | null | undefined {
  const record = ownRecord(text, qube)
  const waits = record?.waits ?? null
  if (record === null || waits?.paths.some((path) => paths.includes(path)) !== true) return undefined
  const still = waits.paths.filter((path) => !paths.includes(path))
  const from = new Map([...waits.from].filter(([path]) => still.includes(path)))
  const next = { ...record, waits: still.length === 0 ? null : { ...waits, paths: still, from } }
  return isEmptyRecord(next) && !qube.isMade ? null : formatRecord(next)
}

function parseValues(json: Record<string, unknown>): ReadonlyMap<string, Value | null> | undefined {
  const values = new Map<string, Value | null>()
  for (const [path, value] of Object.entries(json)) {
    if (value === null) {
      if (!isSettingPath(path)) return undefined
      values.set(path, value)
    } else if (isValueFor(path, value)) values.set(path, value)
    else return undefined
  }
  return values
}

/** Undefined: not of this form. Places are those of the sorted paths; one without a word has what was last applied. */
function parseOriginals(
  { free = [], orig = {} }: Record<string, unknown>,
  set: ReadonlyMap<string, Value | null>,
): ReadonlyMap<string, Value | null> | undefined {
  if (!Array.isArray(free) || !isObject(orig)) return undefined
  const paths = [...set.keys()].sort()
  const unknown = new Set<unknown>(free)
  if (unknown.size !== free.length) return undefined
  const isPlace = (place: unknown): boolean =>
    Number.isInteger(place) && (place as number) >= 0 && (place as number) < paths.length
  if (![...unknown].every(isPlace)) return undefined
  const told = new Map(Object.entries(orig))
  const originals = new Map<string, Value | null>()
  for (const [place, path] of paths.entries()) {
    const value = told.get(String(place))
    if (unknown.has(place)) {
      if (value !== undefined) return undefined
    } else if (value === undefined) originals.set(path, set.get(path) ?? null)
    else if (value === null || isSeenValueFor(path, value)) originals.set(path, value)
    else return undefined
    told.delete(String(place))
  }
  return told.size === 0 ? originals : undefined
}

/** Undefined: not of this form. Places are those of the sorted paths. */
function parseOnce(json: unknown, set: ReadonlyMap<string, Value | null>): ReadonlySet<string> | undefined {
  const places: readonly unknown[] | undefined =
    json === undefined ? [] : Array.isArray(json) ? json : undefined
  const paths = [...set.keys()].sort()
  const once = new Set(places?.flatMap((place) => (typeof place === 'number' ? (paths[place] ?? []) : [])))
  return once.size === places?.length ? once : undefined
}

/** Undefined: not of this form. */
function parseWaits(json: unknown): Waits | null | undefined {
  if (json === undefined) return null
  if (!isObject(json)) return undefined
  const { start, paths, from } = json
  const fromMap = parseSeen(isObject(from) ? from : {})
  if (typeof start !== 'string' || !Array.isArray(paths) || fromMap === undefined) return undefined
  const known = paths.filter((path): path is string => typeof path === 'string' && isSettingPath(path))
  return known.length === paths.length ? { start, paths: known, from: fromMap } : undefined
}

/** Values as they were seen, some of which no spec could hold. */
function parseSeen(json: Record<string, unknown>): ReadonlyMap<string, Value | null> | undefined {
  const values = new Map<string, Value | null>()
  for (const [path, value] of Object.entries(json)) {
    if (!isSettingPath(path) || !isSeen(value)) return undefined
    values.set(path, value)
  }
  return values
}

const isSeen = (value: unknown): value is Value | null =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) && value.every((part) => typeof part === 'string')) ||
  (isObject(value) && typeof value['mode'] === 'string')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)
