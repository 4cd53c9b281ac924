import { located, problem, type Problem, type SourceRange } from '../../spec/diagnostics/index.ts'
import {
  canBeAbsent,
  type DesiredQube,
  type DesiredSetting,
  driftPolicyOf,
  isSeenValueFor,
  isValueFor,
  type Selection,
  type Value,
} from '../../spec/index.ts'
import { isGuestValue, type ObservedQube } from '../observe/index.ts'
import {
  type Entry,
  type OwnershipRecord,
  type SettingState,
  type Standing,
  type Transition,
  transitionOf,
  whyUnmatched,
} from '../ownership/index.ts'
import { type Blocked, type Note, type Reason, type Reported, type Unmatched } from '../plan/index.ts'
import { meansSame, type Provider, providerOf, type Providers } from '../ports/index.ts'

/** What is to become of one setting, before it is known which calls that takes. */
export interface Difference {
  readonly path: string
  readonly before: Value | null
  readonly after: Value | null
  readonly reason: Reason
  /** The line of the spec that asks for it; none where the spec no longer does. */
  readonly at?: SourceRange
  /** What a person should know of it. */
  readonly remark?: string
  /** It is given once. */
  readonly once?: true
}

/** Made for one caller, which may go on with it as it likes. */
export interface QubeDifference {
  readonly differences: Difference[]
  /** What the record will own when all of it is done. */
  readonly set: Map<string, Value | null>
  /** What was there before that, as far as it is known. */
  readonly originals: Map<string, Value | null>
  /** Owned settings that the spec no longer names, whether or not a value changes. */
  readonly leaves: string[]
  /** What of it is given once. */
  readonly once: Set<string>
  readonly blocked: Blocked[]
  readonly notes: Note[]
  readonly unmatched: Unmatched[]
  readonly reported: Reported[]
}

/** What one setting is judged by, and what has been found of those before it. */
interface Sides {
  readonly providers: Providers
  readonly desired: DesiredQube | null
  readonly observed: ObservedQube
  readonly record: OwnershipRecord | null
  readonly hints: DiffHints
  readonly found: QubeDifference
}

export interface DiffHints {
  /** What this installation knows of the record. */
  readonly standing: Standing
  /** The qube is still to be created: what it will have then is nobody's. */
  readonly isCreated: boolean
  /** Whether a setting is withdrawn where a `select` entry has lost the qube by a change of the host. */
  readonly withdrawsUnmatched: (path: string) => boolean
}

/** Three-way: what is wanted, what is there, what qstate last applied. Pure; what decides is `transitionOf`. */
export function diffQube(
  providers: Providers,
  desired: DesiredQube | null,
  observed: ObservedQube,
  record: OwnershipRecord | null,
  hints: DiffHints,
): QubeDifference {
  const found: QubeDifference = {
    differences: [],
    set: new Map(),
    originals: new Map(),
    leaves: [],
    once: new Set(),
    blocked: [],
    notes: [],
    unmatched: [],
    reported: [],
  }
  const sides: Sides = { providers, desired, observed, record, hints, found }
  for (const setting of desired?.settings.values() ?? []) diffSetting(setting.path, setting, sides)
  for (const path of record?.set.keys() ?? [])
    if (desired?.settings.has(path) !== true) diffSetting(path, undefined, sides)
  return found
}

function diffSetting(path: string, declared: DesiredSetting | undefined, sides: Sides): void {
  const { providers, desired, observed, found, hints } = sides
  const isUnmanaged = declared === undefined && desired?.unmanaged?.has(path) === true
  const seen = observed.values.get(path)
  if (!isUnmanaged && (seen === undefined || seen.status === 'unknown')) {
    if (seen === undefined) throw new Error(`${path} was not observed`)
    block(path, seen.problem, declared, sides)
    return
  }
  const before = seen?.status === 'present' ? seen.value : null
  const after = providerOf(providers, path).normalize(path, declared?.value ?? null, observed.facts)
  const isOnce = declared?.once === true
  const wanted =
    declared === undefined ? (isUnmanaged ? 'unmanaged' : 'not-named') : { value: after, once: isOnce }
  const state = stateOf(path, wanted, before, sides)
  const transition = transitionOf(state)
  const unmatched = isUnmanaged ? undefined : hints.standing.unmatched.get(path)
  const why = unmatched === undefined ? undefined : whyUnmatched(unmatched)
  const isReported = (): boolean => isOnlyReported(path, desired, unmatched)
  if (why !== undefined && state.entry !== undefined && (!hints.withdrawsUnmatched(path) || isReported())) {
    own(path, state.entry, found)
    const original = transition.write === undefined ? before : transition.write.value
    found.unmatched.push({ path, value: before, original, why })
    return
  }
  if (transition.write?.reason === 'drift' && state.entry !== undefined && isReported()) {
    own(path, state.entry, found)
    found.reported.push({ path, value: before, wanted: transition.write.value })
    return
  }
  const obstacle = obstacleTo(path, transition, sides)
  if (obstacle !== undefined) {
    block(path, obstacle, declared, sides)
    return
  }
  const { entry, write } = transition
  if (wanted === 'not-named' && entry === undefined && state.entry !== undefined) found.leaves.push(path)
  if (entry !== undefined) own(path, entry, found)
  const note = noteOf(path, state, transition, sides.record?.set.has(path) === true)
  if (note !== undefined) found.notes.push({ ...note, path })
  if (write === undefined || isLeft(path, transition)) return
  found.differences.push({
    path,
    before,
    after: write.value,
    reason: why === undefined ? write.reason : 'drift',
    ...(declared === undefined ? {} : { at: declared.position }),
    ...(why === undefined ? {} : { remark: why }),
    ...(isOnce ? { once: true as const } : {}),
  })
}

/** What a qube says itself goes before what a selector said that has lost it. */
const isOnlyReported = (
  path: string,
  desired: DesiredQube | null,
  unmatched: Selection | undefined,
): boolean =>
  driftPolicyOf(new Map([...(unmatched?.drift ?? []), ...(desired?.drift ?? [])]), path) === 'report'

function stateOf(
  path: string,
  wanted: SettingState['wanted'],
  seen: Value | null,
  { providers, observed, record, hints }: Sides,
): SettingState {
  const { facts } = observed
  const provider = providerOf(providers, path)
  const isOnce = typeof wanted === 'object' && wanted.once === true
  const { was, base, isOpen, lost } = hints.standing
  const same = (a: Value | null, b: Value | null): boolean => meansSame(providers, path, a, b, facts)
  const isWas = was[path]?.some((former) => same(former, seen)) === true
  const isBegun = isOpen && base?.set.has(path) !== true
  const plain = provider.normalize(path, seen, facts)
  return {
    wanted,
    seen,
    // What was given once is not given again where the record was lost: what was written of it here knows that.
    entry: entryIn(record, path) ?? (isOnce ? entryIn(lost, path) : undefined),
    isFormer: (value) =>
      was[path]?.some((former) => same(former, value)) === true ||
      (value !== null && provider.isOwnMaking?.(path, value) === true),
    replaced: isWas && (plain === null || isValueFor(path, plain)) ? plain : undefined,
    isBegun,
    mayBeGivenBack: isOpen,
    isRenamed: hints.standing.renamed.has(path),
    isGuests: isGuestValue(facts.qube, path, seen),
    found: foundAt(path, seen, same, hints, provider),
    same,
  }
}

/** What was there before, as far as it can be known now: where the record was lost, from what was written of it here. */
function foundAt(
  path: string,
  seen: Value | null,
  same: SettingState['same'],
  { isCreated, standing: { lost } }: DiffHints,
  provider: Provider,
): Value | null | undefined {
  if (isCreated) return undefined
  const last = lost?.set.get(path)
  if (last !== undefined && same(last, seen)) return lost?.originals.get(path)
  return provider.original === undefined ? seen : provider.original(path, seen)
}

/** A label or a template has no default to go back to: where no other value is known, it stays. */
const isLeft = (path: string, { event, write }: Transition): boolean =>
  event === 'withdrawn' && write?.value === null && !canBeAbsent(path)

/** Why a setting is not set: what is there could not be kept. */
function obstacleTo(path: string, { entry, write }: Transition, { record }: Sides): Problem | undefined {
  const isNew = record?.set.has(path) !== true
  if (!isNew || write === undefined || isKept(path, entry?.original)) return undefined
  const hint = 'set it by hand to what it is to be; qstate then takes it as it is'
  return problem('record-too-large', 'what is there now could not be kept, to go back to it', hint)
}

/** Ownership stays as it was. */
function block(path: string, why: Problem, declared: DesiredSetting | undefined, sides: Sides): void {
  const { record, found } = sides
  found.blocked.push({ path, problem: declared === undefined ? why : located(why, declared.position) })
  const entry = entryIn(record, path)
  if (entry !== undefined) own(path, entry, found)
}

function entryIn(record: OwnershipRecord | null, path: string): Entry | undefined {
  const last = record?.set.get(path)
  if (record === null || last === undefined) return undefined
  return {
    last,
    original: record.originals.get(path),
    ...(record.once.has(path) ? { once: true as const } : {}),
  }
}

function own(path: string, entry: Entry, { set, originals, once }: QubeDifference): void {
  const { last, original } = entry
  set.set(path, last)
  if (entry.once === true) once.add(path)
  if (original !== undefined && isKept(path, original)) originals.set(path, original)
}

/** Text that qubesd itself would not take is never given back. */
const isKept = (path: string, original: Value | null | undefined): boolean =>
  original === undefined || original === null || isSeenValueFor(path, original)

function noteOf(
  path: string,
  { seen, wanted, entry }: SettingState,
  transition: Transition,
  isKnown: boolean,
): Omit<Note, 'path'> | undefined {
  if (isLeft(path, transition)) return { kind: 'released', text: NOTES.noDefault }
  switch (transition.event) {
    case 'adopted':
      return seen === null ? undefined : { kind: 'adopted', text: NOTES.adopted }
    case 'follows':
      return { kind: 'followed', text: NOTES.followed }
    case 'guest-owned':
      return { kind: 'guest-owned', text: NOTES.guests }
    case 'once':
      return isKnown ? undefined : { kind: 'once', text: NOTES.once }
    case 'as-before':
      return { kind: 'as-before', text: NOTES.asBefore }
    case 'no-original':
      return { kind: 'released', text: canBeAbsent(path) ? NOTES.noOriginal : NOTES.noDefault }
    case 'changed-since':
      return { kind: 'released', text: NOTES.changedSince }
    case 'unmanaged':
      return wanted === 'unmanaged' && entry !== undefined
        ? { kind: 'released', text: NOTES.unmanaged }
        : undefined
    default:
      return undefined
  }
}

const NOTES = {
  adopted: 'is right already: qstate takes it over',
  followed: 'somebody else set what the spec says now: taken as it is',
  guests: 'Windows Tools set this at every boot: not drift',
  once: 'was given once already, as what was written from here says: left as it is',
  asBefore: 'no longer named: it is as before qstate already',
  noOriginal:
    'no longer named, and stays: what was there before qstate is not known; write `inherit` for the default of Qubes',
  noDefault: 'no longer named, and stays: what was there before qstate is not known, and it has no default',
  changedSince: 'no longer named, and changed since by someone else: left as it is',
  unmanaged: 'unmanaged by the spec: left as it is',
} as const
