import { type Value } from '../../spec/index.ts'

/** What a record says of one setting. */
export interface Entry {
  /** Last applied. */
  readonly last: Value | null
  /** What was there when the setting came into the record; undefined: not known. */
  readonly original: Value | null | undefined
  /** It was given once. */
  readonly once?: true
}

/** All that decides about one setting, and that is known: what could not be read moves nothing. */
export interface SettingState {
  /** `not-named`: no line of the spec has it. `unmanaged`: a line gives it up. */
  readonly wanted: { readonly value: Value | null; readonly once?: boolean } | 'not-named' | 'unmanaged'
  readonly seen: Value | null
  readonly entry: Entry | undefined
  /** Whether a value is ours although it is not the last: a run that did not finish has replaced it, or was to. */
  readonly isFormer: (value: Value | null) => boolean
  /** What is there, as a spec would say it, if it is ours and a run that did not finish was to replace it. */
  readonly replaced: Value | null | undefined
  /** No finished run has recorded it, but one that was cut off. */
  readonly isBegun: boolean
  /** So it is, or the run that was cut off may have given it back. */
  readonly mayBeGivenBack: boolean
  /** What it names, or goes by, has another name since: that the host has not followed is no drift. */
  readonly isRenamed: boolean
  /** Windows Tools set this value at every boot. */
  readonly isGuests: boolean
  /** What it would have as its original if it came in now; undefined: nothing can be known of it. */
  readonly found: Value | null | undefined
  readonly same: (a: Value | null, b: Value | null) => boolean
}

export interface Transition {
  readonly event:
    | 'kept'
    | 'adopted'
    | 'follows'
    | 'guest-owned'
    | 'once'
    | 'set'
    | 'withdrawn'
    | 'as-before'
    | 'no-original'
    | 'changed-since'
    | 'unmanaged'
  /** The value to write, and whose doing it is that another is there. */
  readonly write?: {
    readonly value: Value | null
    readonly reason: 'new' | 'changed' | 'drift' | 'withdrawn'
  }
  /** What the record says once that is done; undefined: it no longer has the setting. */
  readonly entry: Entry | undefined
}

/**
 * What becomes of one setting: the one rule for specs that name it, change it or drop it. A value that qstate has set, and
 * nothing names any more, goes back to what was there before; what someone else has set since is left alone.
 *
 * The original is what was there when the setting came into the record, and stays that: neither a change of the spec nor
 * drift moves it. Only where the spec follows what someone else has set is that value the original from then on: qstate did
 * not put it there, and must not take it away.
 */
export function transitionOf(state: SettingState): Transition {
  const { wanted, entry } = state
  if (wanted === 'unmanaged') return { event: 'unmanaged', entry: undefined }
  if (wanted === 'not-named') return entry === undefined ? { event: 'kept', entry } : withdraw(entry, state)
  if (entry === undefined) return name(wanted.value, wanted.once === true, state)
  return wanted.once === true ? leave(wanted.value, entry, state) : keep(wanted.value, entry, state)
}

function name(value: Value | null, isOnce: boolean, { seen, found, same }: SettingState): Transition {
  const entry: Entry = { last: value, original: found, ...(isOnce ? ONCE : {}) }
  if (same(seen, value)) return { event: 'adopted', entry }
  return { event: 'set', write: { value, reason: 'new' }, entry }
}

const ONCE = { once: true } as const

/**
 * Given once already: whatever is there now is the user's. Only a run that was cut off may not have come to it; where it was to
 * replace a value of ours, that one is what was given.
 */
function leave(value: Value | null, entry: Entry, state: SettingState): Transition {
  const { seen, same, isBegun, replaced } = state
  if (isBegun && isOriginal(seen, entry) && !same(seen, value))
    return {
      event: 'set',
      write: { value, reason: 'new' },
      entry: { last: value, original: entry.original, ...ONCE },
    }
  return {
    event: 'once',
    entry: { ...entry, ...(replaced === undefined ? {} : { last: replaced }), ...ONCE },
  }
}

function keep(value: Value | null, entry: Entry, state: SettingState): Transition {
  const { seen, found, same, mayBeGivenBack, isFormer, isGuests, isRenamed } = state
  const isSame = same(entry.last, value)
  const next = { last: value, original: entry.original }
  if (same(seen, value)) {
    if (isSame || isFormer(seen)) return { event: 'kept', entry: next }
    return { event: 'follows', entry: { last: value, original: found } }
  }
  if (isSame && isGuests) return { event: 'guest-owned', entry: next }
  const isChange = !isSame || isRenamed || isFormer(seen) || entry.once === true
  const reason = isChange ? 'changed' : mayBeGivenBack && isOriginal(seen, entry) ? 'new' : 'drift'
  return { event: 'set', write: { value, reason }, entry: next }
}

function withdraw(entry: Entry, { seen, same, isFormer }: SettingState): Transition {
  const { last, original } = entry
  if (isOriginal(seen, entry)) return { event: 'as-before', entry: undefined }
  if (!same(seen, last) && !isFormer(seen)) return { event: 'changed-since', entry: undefined }
  if (original === undefined) return { event: 'no-original', entry: undefined }
  return { event: 'withdrawn', write: { value: original, reason: 'withdrawn' }, entry: undefined }
}

/** To the letter: `1` is not yet the `True` that it was. */
const isOriginal = (seen: Value | null, { original }: Entry): boolean =>
  original !== undefined && JSON.stringify(seen) === JSON.stringify(original)
