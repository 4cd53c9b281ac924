import { located, type SourceRange } from '../../spec/diagnostics/index.ts'
import { canBeAbsent, type DesiredQube, type DesiredSetting, type Value } from '../../spec/index.ts'
import { isGuestValue, type ObservedQube } from '../observe/index.ts'
import { type OwnershipRecord } from '../ownership/index.ts'
import { type Blocked, type Note, type Reason } from '../plan/index.ts'
import { providerOf, type Providers, sameValue } from '../ports/index.ts'

/** What an earlier run meant to do and did not come to. It explains a difference, and decides nothing. */
export type Unfinished = (
  qube: string,
  path: string,
) => { readonly before: Value | null; readonly reason: Reason } | undefined

/** What is to become of one setting, before it is known which calls that takes. */
export interface Difference {
  readonly path: string
  readonly before: Value | null
  readonly after: Value | null
  readonly reason: Reason
  /** The line of the spec that asks for it; none where the spec no longer does. */
  readonly at?: SourceRange
}

/** Made for one caller, which may go on with it as it likes. */
export interface QubeDifference {
  readonly differences: Difference[]
  /** What the record will own when all of it is done. */
  readonly set: Map<string, Value | null>
  /** Values of ours that a difference replaces: kept in the record until it is done. */
  readonly was: Map<string, Value | null>
  readonly blocked: Blocked[]
  readonly notes: Note[]
}

/** What one setting is judged by, and what has been found of those before it. */
interface Sides {
  readonly providers: Providers
  readonly desired: DesiredQube | null
  readonly observed: ObservedQube
  readonly record: OwnershipRecord | null
  readonly unfinished: Unfinished | undefined
  readonly found: QubeDifference
}

/**
 * Three-way: what is wanted, what is there, what qstate last applied. Pure.
 *
 * - wanted and there: nothing to do; not yet owned, it is adopted.
 * - wanted and not there: a change, whose reason says whose doing the difference is.
 * - owned and no longer wanted: pruned if it is still what qstate set; left alone, and no longer owned, if someone
 *   has set another value since.
 * - neither wanted nor owned: not looked at.
 */
export function diffQube(
  providers: Providers,
  desired: DesiredQube | null,
  observed: ObservedQube,
  record: OwnershipRecord | null,
  unfinished?: Unfinished,
): QubeDifference {
  const found: QubeDifference = { differences: [], set: new Map(), was: new Map(), blocked: [], notes: [] }
  const sides: Sides = { providers, desired, observed, record, unfinished, found }
  for (const setting of desired?.settings.values() ?? []) diffWanted(setting, sides)
  for (const path of record?.set.keys() ?? []) {
    if (desired?.settings.has(path) !== true) diffOwned(path, sides)
  }
  return found
}

function diffWanted({ path, value, position }: DesiredSetting, sides: Sides): void {
  const { observed, record } = sides
  const { differences, set, was, blocked, notes } = sides.found
  const seen = observed.values.get(path)
  if (seen === undefined) throw new Error(`${path} was not observed`)
  if (seen.status === 'unknown') {
    blocked.push({ path, problem: located(seen.problem, position) })
    keep(path, sides)
    return
  }
  const before = seen.status === 'present' ? seen.value : null
  const after = providerOf(sides.providers, path).normalize(path, value, observed.facts)
  const last = record?.set.get(path)
  set.set(path, after)
  if (same(path, before, after, sides)) {
    if (after !== null && (last === undefined || !same(path, last, after, sides))) {
      notes.push({ kind: 'adopted', path, text: 'is right already: qstate takes it over' })
    }
    return
  }
  if (
    last !== undefined &&
    same(path, last, after, sides) &&
    isGuestValue(observed.facts.qube, path, before)
  ) {
    notes.push({ kind: 'guest-owned', path, text: 'Windows Tools set this at every boot: not drift' })
    return
  }
  if (isOurs(path, before, sides)) was.set(path, before)
  differences.push({ path, before, after, reason: reasonOf({ path, before, after }, sides), at: position })
}

/** A setting that the record has and the spec has not. */
function diffOwned(path: string, sides: Sides): void {
  const { providers, desired, observed } = sides
  const { differences, blocked, notes } = sides.found
  if (desired?.unmanaged?.has(path) === true) {
    notes.push({ kind: 'released', path, text: 'given up, as the spec says: left as it is' })
    return
  }
  const seen = observed.values.get(path)
  if (seen === undefined || seen.status === 'unknown') {
    if (seen !== undefined) blocked.push({ path, problem: seen.problem })
    keep(path, sides)
    return
  }
  const before = seen.status === 'present' ? seen.value : null
  const isOwnMaking = (): boolean =>
    before !== null && providerOf(providers, path).isOwnMaking?.(path, before) === true
  if (same(path, before, null, sides)) {
    notes.push({ kind: 'forgotten', path, text: 'no longer asked for, and nothing is there' })
  } else if (!canBeAbsent(path)) {
    notes.push({
      kind: 'released',
      path,
      text: 'no longer asked for; it has no default to go back to, and stays as it is',
    })
  } else if (isOurs(path, before, sides) || isOwnMaking()) {
    differences.push({ path, before, after: null, reason: 'prune' })
  } else {
    notes.push({
      kind: 'released',
      path,
      text: 'no longer asked for, and changed since by someone else: left as it is',
    })
  }
}

function reasonOf({ path, before, after }: Omit<Difference, 'reason'>, sides: Sides): Reason {
  const last = sides.record?.set.get(path)
  if (last === undefined) return 'new'
  if (isOurs(path, before, sides)) return 'changed'
  if (!same(path, last, after, sides)) return 'changed'
  const meant = sides.unfinished?.(sides.observed.facts.qube.name, path)
  return meant !== undefined && same(path, meant.before, before, sides) ? meant.reason : 'drift'
}

/** Whether the value there is one that qstate has set: the last, or the one before an unfinished change. */
function isOurs(path: string, value: Value | null, sides: Sides): boolean {
  const last = sides.record?.set.get(path)
  const before = sides.record?.was.get(path)
  return (
    (last !== undefined && same(path, last, value, sides)) ||
    (before !== undefined && same(path, before, value, sides))
  )
}

function same(path: string, a: Value | null, b: Value | null, { providers, observed }: Sides): boolean {
  if (a === b) return true
  const provider = providerOf(providers, path)
  return sameValue(provider.normalize(path, a, observed.facts), provider.normalize(path, b, observed.facts))
}

/** Ownership stays as it was. */
function keep(path: string, { record, found }: Sides): void {
  const value = record?.set.get(path)
  if (value !== undefined) found.set.set(path, value)
  const before = record?.was.get(path)
  if (before !== undefined) found.was.set(path, before)
}
