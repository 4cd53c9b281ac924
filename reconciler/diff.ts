import { canBeAbsent, type DesiredQube, type Value } from '../spec/index.ts'
import { isGuestValue } from './guest.ts'
import { sameValue } from './host.ts'
import { type ObservedQube } from './observe.ts'
import { type Blocked, type Note, type Reason } from './plan.ts'
import { providerOf, type Providers } from './provider.ts'
import { type OwnershipRecord } from './record.ts'

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
}

export interface QubeDifference {
  readonly differences: readonly Difference[]
  /** What the record will own when all of it is done. */
  readonly set: ReadonlyMap<string, Value | null>
  /** Values of ours that a difference replaces: kept in the record until it is done. */
  readonly was: ReadonlyMap<string, Value | null>
  readonly blocked: readonly Blocked[]
  readonly notes: readonly Note[]
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
  const differences: Difference[] = []
  const set = new Map<string, Value | null>()
  const was = new Map<string, Value | null>()
  const blocked: Blocked[] = []
  const notes: Note[] = []
  const { facts } = observed

  const normal = (path: string, value: Value | null): Value | null =>
    providerOf(providers, path).normalize(path, value, facts)
  const same = (path: string, a: Value | null, b: Value | null): boolean =>
    a === b || sameValue(normal(path, a), normal(path, b))
  const keep = (path: string): void => {
    const value = record?.set.get(path)
    if (value !== undefined) set.set(path, value)
    const before = record?.was.get(path)
    if (before !== undefined) was.set(path, before)
  }
  /** Whether the value there is one that qstate has set: the last, or the one before an unfinished change. */
  const isOurs = (path: string, value: Value | null): boolean => {
    const last = record?.set.get(path)
    const before = record?.was.get(path)
    return (
      (last !== undefined && same(path, last, value)) || (before !== undefined && same(path, before, value))
    )
  }

  const isOwnMaking = (path: string, value: Value | null): boolean =>
    value !== null && providerOf(providers, path).isOwnMaking?.(path, value) === true

  const placeOf = (path: string): string => providerOf(providers, path).place?.(path, facts) ?? path
  const askedFor = new Set(
    [...(desired?.settings ?? [])].filter(([, { value }]) => value !== null).map(([path]) => placeOf(path)),
  )
  for (const [path, setting] of desired?.settings ?? []) {
    const seen = observed.values.get(path)
    if (seen === undefined) throw new Error(`${path} was not observed`)
    if (setting.value === null && askedFor.has(placeOf(path))) {
      const why = 'on this release it is the same as another setting of this qube, which asks for it'
      blocked.push({ path, why, hint: 'name the device in one way for hosts of this release' })
      keep(path)
      continue
    }
    if (seen.status === 'unknown') {
      blocked.push({ path, why: seen.why, hint: seen.hint })
      keep(path)
      continue
    }
    const before = seen.status === 'present' ? seen.value : null
    const after = normal(path, setting.value)
    const last = record?.set.get(path)
    set.set(path, after)
    if (same(path, before, after)) {
      if (after !== null && (last === undefined || !same(path, last, after))) {
        notes.push({ kind: 'adopted', path, text: 'is right already: qstate takes it over' })
      }
      continue
    }
    if (last !== undefined && same(path, last, after) && isGuestValue(facts.qube, path, before)) {
      notes.push({ kind: 'guest-owned', path, text: 'Windows Tools set this at every boot: not drift' })
      continue
    }
    if (isOurs(path, before)) was.set(path, before)
    differences.push({ path, before, after, reason: reasonOf(path, before, after, last) })
  }

  const taken = new Set([...set].filter(([, value]) => value !== null).map(([path]) => placeOf(path)))
  for (const path of record?.set.keys() ?? []) {
    if (desired?.settings.has(path) === true) continue
    if (desired?.unmanaged?.has(path) === true) {
      notes.push({ kind: 'released', path, text: 'given up, as the spec says: left as it is' })
      continue
    }
    const seen = observed.values.get(path)
    if (seen === undefined || seen.status === 'unknown') {
      if (seen !== undefined) blocked.push({ path, why: seen.why, hint: seen.hint })
      keep(path)
      continue
    }
    const before = seen.status === 'present' ? seen.value : null
    if (same(path, before, null)) {
      notes.push({ kind: 'forgotten', path, text: 'no longer asked for, and nothing is there' })
    } else if (taken.has(placeOf(path))) {
      notes.push({ kind: 'forgotten', path, text: 'asked for under another name, which owns it now' })
    } else if (!canBeAbsent(path)) {
      notes.push({
        kind: 'released',
        path,
        text: 'no longer asked for; it has no default to go back to, and stays as it is',
      })
    } else if (isOurs(path, before) || isOwnMaking(path, before)) {
      differences.push({ path, before, after: null, reason: 'prune' })
    } else {
      notes.push({
        kind: 'released',
        path,
        text: 'no longer asked for, and changed since by someone else: left as it is',
      })
    }
  }
  return { differences, set, was, blocked, notes }

  function reasonOf(
    path: string,
    before: Value | null,
    after: Value | null,
    last: Value | null | undefined,
  ): Reason {
    if (last === undefined) return 'new'
    if (isOurs(path, before)) return 'changed'
    if (!same(path, last, after)) return 'changed'
    const meant = unfinished?.(facts.qube.name, path)
    return meant !== undefined && same(path, meant.before, before) ? meant.reason : 'drift'
  }
}
