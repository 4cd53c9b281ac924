import { type Lease, leaseDocument } from '../../documents/fleet/index.ts'
import { documentIn, KEYS, type Store } from '../store/index.ts'

export interface Leadership {
  /** The lease as last seen, and when that was by this machine's clock. */
  seen: { readonly revision: number; readonly lease: Lease | null; readonly atMs: number } | null
  /** What we hold; `sinceMs` is when the last renewal was sent. */
  held: {
    readonly term: number
    readonly revision: number
    readonly beat: number
    readonly sinceMs: number
  } | null
}

export const notLeading = (): Leadership => ({ seen: null, held: null })

/**
 * The term in which this controller is in charge, or null. A lease is given up well before others may take it, and taken only after
 * it has been seen unchanged for its whole length by one's own clock: clocks of two machines are never compared. Where a pause
 * makes two believe that they lead, the older term's writes are refused wherever they count.
 */
export async function lead(
  mine: Leadership,
  { store, who, leaseMs, now }: LeadershipContext,
): Promise<number | null> {
  const asked = now()
  if (mine.held !== null && asked - mine.held.sinceMs < leaseMs / 3) return mine.held.term
  const entry = await store.get(KEYS.leader)
  const revision = entry?.revision ?? 0
  if (mine.held !== null && mine.held.revision !== revision) mine.held = null
  if (mine.held !== null) return take(mine, mine.held.term, mine.held.beat + 1, { store, who, leaseMs, now })
  if (mine.seen === null || mine.seen.revision !== revision) {
    const lease = documentIn(leaseDocument, entry)
    mine.seen = { revision, lease, atMs: now() }
    // Nobody has ever led: there is nobody to wait for.
    if (revision !== 0) return null
  }
  if (revision !== 0 && now() - mine.seen.atMs < leaseMs) return null
  return take(mine, (mine.seen.lease?.term ?? 0) + 1, 0, { store, who, leaseMs, now })
}

export interface LeadershipContext {
  readonly store: Store
  readonly who: string
  readonly leaseMs: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

async function take(
  mine: Leadership,
  term: number,
  beat: number,
  { store, who, leaseMs, now }: LeadershipContext,
): Promise<number | null> {
  const sinceMs = now()
  const over = mine.held?.revision ?? mine.seen?.revision ?? 0
  const lease: Lease = { schema: 'qstate.leader', version: 1, term, who, beat }
  const revision = await store.put(KEYS.leader, lease, over)
  if (revision === null) {
    mine.held = null
    mine.seen = null
    return null
  }
  mine.held = { term, revision, beat, sinceMs }
  mine.seen = { revision, lease, atMs: sinceMs }
  return now() - sinceMs < leaseMs / 2 ? term : null
}

/** Whether what was begun as the one in charge may still be gone on with. */
export const isLeading = ({ held }: Leadership, leaseMs: number, nowMs: number): boolean =>
  held !== null && nowMs - held.sinceMs < (leaseMs * 2) / 3
