import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Entry,
  type SettingState,
  type Transition,
  transitionOf,
} from '../../reconciler/ownership/transition.ts'
import { type Value } from '../../spec/vocabulary/desired-state.ts'

/** What becomes of one setting, row by row: wanted, seen, last applied, original, and what a cut-off run leaves open. */

type V = Value | null
interface Row {
  readonly what: string
  readonly wanted: SettingState['wanted']
  readonly seen: V
  /** Last applied and original; none: not in the record. */
  readonly entry?: readonly [last: V, original: V | undefined]
  readonly former?: V
  readonly replaced?: V
  readonly mayBeGivenBack?: true
  readonly isBegun?: true
  readonly isRenamed?: true
  readonly isGuests?: true
  /** The entry was given once; `after` is, too, where `wanted` says so. */
  readonly wasOnce?: true
  /** The qube is being created: nothing can be known of before. */
  readonly isCreated?: true
  readonly event: Transition['event']
  readonly write?: readonly [value: V, reason: NonNullable<Transition['write']>['reason']]
  /** The entry afterwards; none: it is out. */
  readonly after?: readonly [last: V, original: V | undefined]
}

const to = (value: V): SettingState['wanted'] => ({ value })
const once = (value: V): SettingState['wanted'] => ({ value, once: true })
const [A, B, C, D] = [4096, 6144, 2048, 1024]

const ROWS: readonly Row[] = [
  {
    what: 'named by a new name, and set to another by someone else',
    wanted: to(B),
    seen: C,
    entry: [B, A],
    isRenamed: true,
    event: 'set',
    write: [B, 'changed'],
    after: [B, A],
  },
  {
    what: 'named by a new name that the host has already',
    wanted: to(B),
    seen: B,
    entry: [B, A],
    isRenamed: true,
    event: 'kept',
    after: [B, A],
  },
  { what: 'named, and right', wanted: to(A), seen: A, event: 'adopted', after: [A, A] },
  { what: 'named', wanted: to(B), seen: A, event: 'set', write: [B, 'new'], after: [B, A] },
  { what: 'named, and absent', wanted: to(B), seen: null, event: 'set', write: [B, 'new'], after: [B, null] },
  {
    what: 'named `inherit`',
    wanted: to(null),
    seen: A,
    event: 'set',
    write: [null, 'new'],
    after: [null, A],
  },
  {
    what: 'named `inherit`, and absent',
    wanted: to(null),
    seen: null,
    event: 'adopted',
    after: [null, null],
  },
  {
    what: 'named of a qube to create',
    wanted: to(B),
    seen: null,
    isCreated: true,
    event: 'set',
    write: [B, 'new'],
    after: [B, undefined],
  },
  { what: 'settled', wanted: to(B), seen: B, entry: [B, A], event: 'kept', after: [B, A] },
  {
    what: 'changed',
    wanted: to(C),
    seen: B,
    entry: [B, A],
    event: 'set',
    write: [C, 'changed'],
    after: [C, A],
  },
  {
    what: 'changed, while another has set it',
    wanted: to(C),
    seen: D,
    entry: [B, A],
    event: 'set',
    write: [C, 'changed'],
    after: [C, A],
  },
  {
    what: 'changed to what another has set',
    wanted: to(C),
    seen: C,
    entry: [B, A],
    event: 'follows',
    after: [C, C],
  },
  {
    what: 'changed to its original, which another has set',
    wanted: to(A),
    seen: A,
    entry: [B, A],
    event: 'follows',
    after: [A, A],
  },
  {
    what: 'changed to what was never finished',
    wanted: to(A),
    seen: A,
    entry: [B, D],
    former: A,
    event: 'kept',
    after: [A, D],
  },
  {
    what: 'drifted',
    wanted: to(B),
    seen: C,
    entry: [B, A],
    event: 'set',
    write: [B, 'drift'],
    after: [B, A],
  },
  {
    what: 'drifted to its original',
    wanted: to(B),
    seen: A,
    entry: [B, A],
    event: 'set',
    write: [B, 'drift'],
    after: [B, A],
  },
  {
    what: 'given back by a run that did not come to its end, and named again',
    wanted: to(B),
    seen: A,
    entry: [B, A],
    mayBeGivenBack: true,
    event: 'set',
    write: [B, 'new'],
    after: [B, A],
  },
  {
    what: 'recorded first, and not set',
    wanted: to(B),
    seen: A,
    entry: [B, A],
    isBegun: true,
    event: 'set',
    write: [B, 'new'],
    after: [B, A],
  },
  {
    what: 'recorded first, not set, and set by another',
    wanted: to(B),
    seen: C,
    entry: [B, A],
    isBegun: true,
    event: 'set',
    write: [B, 'drift'],
    after: [B, A],
  },
  {
    what: 'recorded, and not set',
    wanted: to(B),
    seen: C,
    entry: [B, A],
    former: C,
    event: 'set',
    write: [B, 'changed'],
    after: [B, A],
  },
  {
    what: 'set by the guest',
    wanted: to(B),
    seen: 0,
    entry: [B, A],
    isGuests: true,
    event: 'guest-owned',
    after: [B, A],
  },
  {
    what: 'changed, over a value of the guest',
    wanted: to(C),
    seen: 0,
    entry: [B, A],
    isGuests: true,
    event: 'set',
    write: [C, 'changed'],
    after: [C, A],
  },
  { what: 'dropped, and never changed', wanted: 'not-named', seen: A, entry: [A, A], event: 'as-before' },
  {
    what: 'dropped',
    wanted: 'not-named',
    seen: B,
    entry: [B, A],
    event: 'withdrawn',
    write: [A, 'withdrawn'],
  },
  {
    what: 'dropped, and absent before',
    wanted: 'not-named',
    seen: B,
    entry: [B, null],
    event: 'withdrawn',
    write: [null, 'withdrawn'],
  },
  {
    what: 'dropped, and reset by us',
    wanted: 'not-named',
    seen: null,
    entry: [null, A],
    event: 'withdrawn',
    write: [A, 'withdrawn'],
  },
  {
    what: 'dropped, and set back by another',
    wanted: 'not-named',
    seen: A,
    entry: [B, A],
    event: 'as-before',
  },
  { what: 'dropped, and changed since', wanted: 'not-named', seen: C, entry: [B, A], event: 'changed-since' },
  {
    what: 'dropped, and not known',
    wanted: 'not-named',
    seen: B,
    entry: [B, undefined],
    event: 'no-original',
  },
  {
    what: 'dropped after a change that was not finished',
    wanted: 'not-named',
    seen: C,
    entry: [B, A],
    former: C,
    event: 'withdrawn',
    write: [A, 'withdrawn'],
  },
  { what: 'given up', wanted: 'unmanaged', seen: B, entry: [B, A], event: 'unmanaged' },
  { what: 'never ours, and not named', wanted: 'not-named', seen: B, event: 'kept' },
  { what: 'never ours, and given up', wanted: 'unmanaged', seen: B, event: 'unmanaged' },
  { what: 'given once', wanted: once(B), seen: A, event: 'set', write: [B, 'new'], after: [B, A] },
  { what: 'given once, and right', wanted: once(A), seen: A, event: 'adopted', after: [A, A] },
  {
    what: 'given once before',
    wanted: once(B),
    seen: B,
    entry: [B, A],
    wasOnce: true,
    event: 'once',
    after: [B, A],
  },
  {
    what: 'given once before, and the user’s',
    wanted: once(B),
    seen: C,
    entry: [B, A],
    wasOnce: true,
    event: 'once',
    after: [B, A],
  },
  {
    what: 'given once before, set back by the user',
    wanted: once(B),
    seen: A,
    entry: [B, A],
    wasOnce: true,
    event: 'once',
    after: [B, A],
  },
  {
    what: 'given once before, and now another',
    wanted: once(D),
    seen: C,
    entry: [B, A],
    wasOnce: true,
    event: 'once',
    after: [B, A],
  },
  {
    what: 'owned before, and left to the user from now on',
    wanted: once(B),
    seen: C,
    entry: [B, A],
    event: 'once',
    after: [B, A],
  },
  {
    what: 'given once by a run that did not come to it',
    wanted: once(B),
    seen: A,
    entry: [B, A],
    wasOnce: true,
    isBegun: true,
    event: 'set',
    write: [B, 'new'],
    after: [B, A],
  },
  {
    what: 'given once by a run that did not end, and the user’s',
    wanted: once(B),
    seen: C,
    entry: [B, A],
    wasOnce: true,
    isBegun: true,
    event: 'once',
    after: [B, A],
  },
  {
    what: 'left to the user in the midst of a change that did not come to it',
    wanted: once(D),
    seen: A,
    entry: [B, D],
    former: A,
    replaced: A,
    event: 'once',
    after: [A, D],
  },
  {
    what: 'no longer the user’s',
    wanted: to(B),
    seen: C,
    entry: [B, A],
    wasOnce: true,
    event: 'set',
    write: [B, 'changed'],
    after: [B, A],
  },
  {
    what: 'given once, and dropped',
    wanted: 'not-named',
    seen: B,
    entry: [B, A],
    wasOnce: true,
    event: 'withdrawn',
    write: [A, 'withdrawn'],
  },
  {
    what: 'given once, the user’s, and dropped',
    wanted: 'not-named',
    seen: C,
    entry: [B, A],
    wasOnce: true,
    event: 'changed-since',
  },
  // A flag is on with any text: what was there is given back to the letter.
  {
    what: 'right in another spelling',
    wanted: to(true),
    seen: 'True',
    event: 'adopted',
    after: [true, 'True'],
  },
  {
    what: 'dropped in another spelling',
    wanted: 'not-named',
    seen: 'True',
    entry: [true, 'True'],
    event: 'as-before',
  },
  {
    what: 'dropped, and to be spelt as before',
    wanted: 'not-named',
    seen: true,
    entry: [true, 'True'],
    event: 'withdrawn',
    write: ['True', 'withdrawn'],
  },
]

const meaning = (value: V): V => (value === 'True' ? true : value)

const entryOf = ([last, original]: readonly [V, V | undefined], isOnce: boolean): Entry => ({
  last,
  original,
  ...(isOnce ? { once: true } : {}),
})

for (const row of ROWS) {
  const { what, wanted, seen, entry, event, write, after } = row
  test(`${what}: ${event}`, () => {
    const state: SettingState = {
      wanted,
      seen,
      entry: entry === undefined ? undefined : entryOf(entry, row.wasOnce === true),
      isFormer: (value) => row.former !== undefined && value === row.former,
      replaced: row.replaced,
      mayBeGivenBack: row.mayBeGivenBack === true || row.isBegun === true,
      isBegun: row.isBegun === true,
      isRenamed: row.isRenamed === true,
      isGuests: row.isGuests === true,
      found: row.isCreated === true ? undefined : seen,
      same: (a, b) => meaning(a) === meaning(b),
    }
    const made = transitionOf(state)
    assert.equal(made.event, event)
    assert.deepEqual(made.write, write === undefined ? undefined : { value: write[0], reason: write[1] })
    const isOnce = typeof wanted === 'object' && wanted.once === true
    assert.deepEqual(made.entry, after === undefined ? undefined : entryOf(after, isOnce))
    // What is left is settled: with the write made, the same spec finds nothing more to do.
    const next: SettingState = {
      ...state,
      seen: write === undefined ? seen : write[0],
      entry: made.entry,
      isFormer: () => false,
      replaced: undefined,
      mayBeGivenBack: false,
      isBegun: false,
      isGuests: event === 'guest-owned',
    }
    assert.equal(transitionOf(next).write, undefined)
  })
}
