import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { isSettingPath, isValueFor, RECORD_FEATURE, type Value } from '../../spec/index.ts'
import { type HostCall, sameValue } from '../ports/index.ts'

/**
 * The ownership record: what qstate has set on a qube, kept on that qube in one feature, so that no state file is
 * needed and the record goes where the qube goes.
 *
 * It is written after removals and before values are set, so that at no moment something of ours is set and not
 * recorded: a crash leaves a value recorded and not set (the next run sets it), or recorded and already removed
 * (the next run drops it). `was` keeps the value of ours that a pending change replaces, for the same reason; it goes
 * once the change has been seen to be made, since from then on whoever sets that value again is someone else.
 *
 * Of what waits it tells ahead of removals, too (`waits-ahead.ts`): what was never done is as it began, and waits not.
 */
export interface OwnershipRecord {
  readonly uuid: string
  /** The configuration's name, where it has one. */
  readonly name: string | null
  readonly commit: string | null
  /** ISO 8601. */
  readonly at: string
  /** Last applied, by path; `null` is "wanted absent". */
  readonly set: ReadonlyMap<string, Value | null>
  /** The value of ours before that, where a change may not have been finished. */
  readonly was: ReadonlyMap<string, Value | null>
  readonly waits: Waits | null
}

/**
 * Settings changed while the qube ran, which count at its next start. They wait for as long as the qube still runs
 * since `start`: another start time, or none, and they count. So no clock is compared, and nothing has to be cleared.
 */
export interface Waits {
  /** Property `start_time` as qubesd gave it. */
  readonly start: string
  readonly paths: readonly string[]
  /** What they were before the first change since then, as far as that is known: set back to it, nothing waits. */
  readonly from: ReadonlyMap<string, Value | null>
}

export type RecordReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'record'; readonly record: OwnershipRecord }
  /** Another qube's: this one is a clone of it, or was restored under a new identity. Not believed. */
  | { readonly kind: 'foreign'; readonly uuid: string }
  | { readonly kind: 'unreadable'; readonly problem: Problem }

const VERSION = 1

/** A request holds 65,536 bytes, method and names among them. */
const MAX_RECORD_LENGTH = 60_000

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
  if (typeof json['v'] === 'number' && json['v'] > VERSION) {
    return unreadable(
      `the ownership record is of version ${json['v']}, and this qstate knows ${VERSION}: use a newer qstate`,
    )
  }
  const { v, uuid, name, commit, at, set, was } = json
  const waits = parseWaits(json['waits'])
  if (v !== VERSION || typeof uuid !== 'string' || typeof at !== 'string' || !isObject(set)) {
    return unreadable('the ownership record lacks a part')
  }
  if (uuid !== qube.uuid) return { kind: 'foreign', uuid }
  const setMap = parseValues(set)
  const wasMap = parseValues(isObject(was) ? was : {})
  if (setMap === undefined || wasMap === undefined || waits === undefined) {
    return unreadable('the ownership record names a setting or a value that qstate does not manage')
  }
  return {
    kind: 'record',
    record: { uuid, name: textOrNull(name), commit: textOrNull(commit), at, set: setMap, was: wasMap, waits },
  }
}

/**
 * Whether the text of a record is that of this qube and configuration, and says of values these and no more: nothing that
 * was, and nothing that waits. `values` is a JSON object, sorted by key. False where that cannot be told at a glance.
 */
export function holdsValues(
  text: string,
  { uuid, name }: Pick<OwnershipRecord, 'uuid' | 'name'>,
  values: string,
): boolean {
  const at = text.length - values.length - 1 - SET.length
  if (!text.endsWith('}') || !text.startsWith(values, at + SET.length) || !text.startsWith(SET, at))
    return false
  const whose = `{"v":${VERSION},"uuid":"${uuid}"${name === null ? '' : `,"name":${JSON.stringify(name)}`}`
  return (
    text.startsWith(whose) &&
    WHEN.test(text.slice(whose.length, at)) &&
    values !== '{}' &&
    !recordTooLong(text)
  )
}

const SET = ',"set":'
const WHEN = /^(?:,"commit":"[ !#-[\]-~]*")?,"at":"[ !#-[\]-~]*"$/

/** One line of printable ASCII, keys sorted: equal records are equal texts. */
export function formatRecord(record: OwnershipRecord): string {
  const json = {
    v: VERSION,
    uuid: record.uuid,
    ...(record.name === null ? {} : { name: record.name }),
    ...(record.commit === null ? {} : { commit: record.commit }),
    at: record.at,
    set: sorted(record.set),
    ...(record.was.size === 0 ? {} : { was: sorted(record.was) }),
    ...(record.waits === null ? {} : { waits: formatWaits(record.waits) }),
  }
  return JSON.stringify(json).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const formatWaits = ({ start, paths, from }: Waits): Record<string, unknown> => ({
  start,
  paths,
  ...(from.size === 0 ? {} : { from: sorted(from) }),
})

/** Whether a record says all that another would, but for the time: if so, there is nothing to write. */
export function sameOwnership(a: OwnershipRecord, b: OwnershipRecord): boolean {
  if (a.name !== b.name || a.uuid !== b.uuid) return false
  return sameMap(a.set, b.set) && sameMap(a.was, b.was) && saysWaits(a, b)
}

/** Whether a record owns nothing. It is kept only of a qube that qstate has created, and says just that. */
export const isEmptyRecord = (record: OwnershipRecord): boolean =>
  record.set.size === 0 && record.waits === null

/** What waits in `b` waits in `a` already. That `a` names settings which count by now harms nobody. */
function saysWaits(a: OwnershipRecord, b: OwnershipRecord): boolean {
  if (b.waits === null) return true
  const { start, paths } = b.waits
  return a.waits?.start === start && paths.every((path) => a.waits?.paths.includes(path))
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

/** What a record says of one path, as another had it. */
export function restoreEntry(
  into: Map<string, Value | null>,
  from: ReadonlyMap<string, Value | null> | undefined,
  path: string,
): void {
  const value = from?.get(path)
  if (value === undefined) into.delete(path)
  else into.set(path, value)
}

export function recordTooLong(text: string): boolean {
  return text.length > MAX_RECORD_LENGTH
}

function sameMap(a: ReadonlyMap<string, Value | null>, b: ReadonlyMap<string, Value | null>): boolean {
  if (a.size !== b.size) return false
  for (const [path, value] of a) {
    const other = b.get(path)
    if (other === undefined || !sameValue(value, other)) return false
  }
  return true
}

function parseValues(json: Record<string, unknown>): ReadonlyMap<string, Value | null> | undefined {
  const values = new Map<string, Value | null>()
  for (const [path, value] of Object.entries(json)) {
    if (value === null ? !isSettingPath(path) : !isValueFor(path, value)) return undefined
    values.set(path, value as Value | null)
  }
  return values
}

/** Undefined: not of this form. */
function parseWaits(json: unknown): Waits | null | undefined {
  if (json === undefined) return null
  if (!isObject(json)) return undefined
  const { start, paths, from } = json
  const fromMap = parseSeen(isObject(from) ? from : {})
  if (typeof start !== 'string' || !Array.isArray(paths) || fromMap === undefined) return undefined
  const known = (paths as unknown[]).filter(
    (path) => typeof path === 'string' && isSettingPath(path),
  ) as string[]
  return known.length === paths.length ? { start, paths: known, from: fromMap } : undefined
}

/** Values as they were seen, which nobody sets: some are of no form that a spec could ask for. */
function parseSeen(json: Record<string, unknown>): ReadonlyMap<string, Value | null> | undefined {
  const isSeen = (value: unknown): boolean =>
    value === null ||
    ['string', 'number', 'boolean'].includes(typeof value) ||
    (Array.isArray(value) && value.every((part) => typeof part === 'string')) ||
    (isObject(value) && typeof value['mode'] === 'string')
  const entries = Object.entries(json)
  if (!entries.every(([path, value]) => isSettingPath(path) && isSeen(value))) return undefined
  return new Map(entries as [string, Value | null][])
}

const sorted = (map: ReadonlyMap<string, Value | null>): Record<string, Value | null> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** The call that puts the text of a record on a qube; `null` takes it away. */
export const recordCall = (dest: string, text: string | null): HostCall =>
  text === null
    ? { dest, method: 'admin.vm.feature.Remove', arg: RECORD_FEATURE, payload: '' }
    : { dest, method: 'admin.vm.feature.Set', arg: RECORD_FEATURE, payload: text }
