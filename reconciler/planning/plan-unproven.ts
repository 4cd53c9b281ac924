import { type DesiredQube, type Value } from '../../spec/index.ts'
import {
  formatRecord,
  ownRecord,
  type OwnershipRecord,
  restoreEntry,
  type Standing,
  unproven,
} from '../ownership/index.ts'
import { needsApply, type Note, type QubePlan } from '../plan/index.ts'
import { type HostQube } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'

/**
 * The plan of a qube whose record is not the one that was written from here: it explains what the record says, and does nothing
 * that follows from it. A record of version 1 knows no originals, so that what the spec names can be set all the same.
 */
export function planUnproven(
  plan: QubePlan,
  record: OwnershipRecord,
  {
    isNamed,
    isAdopting,
    now,
  }: { readonly isNamed: boolean; readonly isAdopting: boolean; readonly now: string },
  declared: DesiredQube | null,
): QubePlan {
  const why = unproven(plan.qube, record)
  if (isAdopting) {
    // Written anew even where it says nothing else: from then on it is proven.
    const owned = ownRecord(plan.record.after, { name: plan.qube, uuid: plan.uuid })
    if (owned === null) return plan
    const after = formatRecord({ ...owned, version: 2, at: now })
    return {
      ...plan,
      record: { ...plan.record, after },
      takesOver: true,
      ...(after === plan.record.before ? { closes: true as const } : {}),
      notes: [...takenOver(owned), ...plan.notes],
    }
  }
  const isLeft = needsApply(plan) && (record.version === 2 || !isNamed)
  if (isLeft) return { ...blockedQube(hostQubeOf(plan), why, declared), notes: plan.notes }
  if (plan.waiting.length === 0) return plan
  const text = `what it says to wait for a restart is not believed: ${plan.waiting.join(', ')}`
  return { ...plan, waiting: [], notes: [...plan.notes, { kind: 'unproven', path: null, text }] }
}

const hostQubeOf = ({ qube: name, klass, uuid, running }: QubePlan): HostQube => ({
  name,
  klass,
  uuid,
  state: running ? 'Running' : 'Halted',
})

/** Each entry that a person takes over, with what it says was there before. */
const takenOver = ({ set, originals }: OwnershipRecord): readonly Note[] =>
  [...set].map(([path, value]) => {
    const original = originals.get(path)
    const before = original === undefined ? 'not known' : told(original)
    return { kind: 'taken-over', path, text: `is taken over: ${told(value)}; before qstate: ${before}` }
  })

const told = (value: Value | null): string => (value === null ? 'not set' : JSON.stringify(value))

/** What was written from here knows better what was there before than what is found. */
export function withKnownOriginals(
  record: OwnershipRecord | null,
  { lost }: Standing,
): OwnershipRecord | null {
  if (record === null || lost === null) return record
  const originals = new Map(record.originals)
  for (const path of record.set.keys()) {
    if (lost.set.has(path)) restoreEntry(originals, lost.originals, path)
  }
  return { ...record, originals }
}
