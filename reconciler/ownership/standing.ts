import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Selection, type Value } from '../../spec/index.ts'
import { creationKey, type Receipt, type Receipts } from '../ports/index.ts'
import { type RecordReading } from './parse-record.ts'
import { type OwnershipRecord, type Waits } from './record.ts'
import { heldRecord, renamedFormer, type RecordHolder } from './renames.ts'

/** What this installation knows of the record that was found on a qube. */
export interface Standing {
  /** It is what this installation wrote last; so is that there is none. */
  readonly isProven: boolean
  /** A run has not come to its end there. */
  readonly isOpen: boolean
  /** By path, values of ours that an unfinished run replaces. */
  readonly was: Receipt['was']
  /** What the last finished run owned; of an unfinished run only. */
  readonly base: OwnershipRecord | null
  /** Waits that an unfinished run may have caused, and not come to record. */
  readonly waits: readonly Waits[]
  /** The record that this installation wrote last, where another is there, or none: it knows what was before. */
  readonly lost: OwnershipRecord | null
  /** A run that was cut off has created the qube, and recorded nothing yet. */
  readonly isCreated: boolean
  /** Digests of the `select` entries that gave settings to the qube. */
  readonly matched: readonly string[]
  /** By path, the entry that gave an owned setting until the host changed (`membershipOf`). */
  readonly unmatched: ReadonlyMap<string, Selection>
  /** Settings that name, or go by, a qube that has another name since the record was written. */
  readonly renamed: ReadonlySet<string>
}

const NOTHING: Standing = {
  isProven: true,
  isOpen: false,
  was: {},
  base: null,
  waits: [],
  lost: null,
  isCreated: false,
  matched: [],
  unmatched: new Map(),
  renamed: new Set(),
}

/** `receipts` null: the host is a snapshot, of which nothing can be proven, and to which nothing is written. */
export async function standingOf(
  holder: RecordHolder,
  text: string | null,
  reading: RecordReading,
  receipts: Receipts | null,
): Promise<Standing> {
  const { qube, uuid } = holder
  if (receipts === null || uuid === null) return NOTHING
  const isNone = reading.kind === 'none' || reading.kind === 'foreign'
  const written = isNone ? null : text
  const receipt = await receiptOf({ ...holder, uuid }, written, receipts)
  const isCreated = isNone && (await receipts.read(creationKey(qube))) !== undefined
  if (receipt === undefined) return { ...NOTHING, isProven: isNone, isCreated }
  const isProven = receipt.accepted.includes(written)
  const known = receipt.accepted.flatMap((one) => heldRecord(one, holder) ?? [])
  if (!isProven) return { ...NOTHING, isProven: isNone, lost: known.at(-1) ?? null }
  const matched = receipt.matched ?? []
  if (!receipt.open) return { ...NOTHING, matched }
  const base = heldRecord(receipt.base, holder)
  return {
    isProven,
    isOpen: true,
    was: renamedFormer(receipt.was, holder.renames),
    base,
    waits: [...known, ...(base === null ? [] : [base])].flatMap(({ waits }) => waits ?? []),
    lost: null,
    isCreated,
    matched,
    unmatched: new Map(),
    renamed: new Set(),
  }
}

/** Of entries that pass over, that of the qube which is gone, until a run has given it to the one that has its place. */
async function receiptOf(
  { uuid, movedFrom }: RecordHolder & { readonly uuid: string },
  text: string | null,
  receipts: Receipts,
): Promise<Receipt | undefined> {
  const own = await receipts.read(uuid)
  return movedFrom === undefined || own?.accepted.includes(text) === true
    ? own
    : receipts.read(movedFrom.uuid)
}

/** What may wait of a start, as all of these say it; null where nothing does. */
export function mergeWaits(all: readonly (Waits | null)[], start: string): Waits | null {
  const known = all.flatMap((waits) => (waits?.start === start ? [waits] : []))
  if (known.length === 0) return null
  const from = new Map<string, Value | null>()
  // What the earliest of them says was before its change.
  for (const waits of known) for (const [path, value] of waits.from) from.set(path, value)
  return { start, paths: [...new Set(known.flatMap(({ paths }) => paths))].sort(), from }
}

/** Why nothing is done on the word of a record. `by` is what it says itself. */
export function unproven(qube: string, { by, at }: OwnershipRecord): Problem {
  const who = by === null ? 'another program' : by.slice(0, 80)
  return problem(
    'unproven-record',
    `its ownership record is not the one that was last written from here: it says ${who}, ${at.slice(0, 24)}`,
    `see what it says with \`qstate show ${qube}\`; \`qstate adopt SPEC\` takes the qube over as it is`,
  )
}
