import { isValueFor, SLIC_TABLES, type Value } from '../../spec/index.ts'
import { type Note, type Plan, type QubePlan } from '../plan/index.ts'
import { sameValue } from '../ports/index.ts'
import { parseRecord } from './parse-record.ts'
import { isEmptyRecord, type OwnershipRecord } from './record.ts'
import { heldRecord } from './renames.ts'

/**
 * Whether the record that a saved plan would write is the one that its changes and notes give: it claims nothing that
 * the plan does not set or says to take over, and forgets nothing that the plan does not take away or says to give up.
 */
export function recordProblem(qube: QubePlan, plan: Pick<Plan, 'spec'>): string | undefined {
  const { record, changes, uuid, qube: name } = qube
  const identity = { name, uuid: uuid ?? '' }
  const before = heldRecord(record.before, qube)
  const after = parse(record.after, identity)
  if (qube.remove !== undefined) {
    const { name: owner, formerly = [] } = plan.spec
    const isOwn = before !== null && before.name !== null && [owner, ...formerly].includes(before.name)
    return isOwn && record.before === record.after
      ? undefined
      : `${name} is not this configuration’s to remove`
  }
  if (qube.movedFrom !== undefined && (record.before === record.after || qube.movedFrom.uuid === uuid))
    return `nothing passes over to ${name}`
  if (record.before !== record.after) {
    if (uuid === null && qube.create === undefined)
      return `it writes a record to ${name} without saying which qube that is`
    if (record.after !== null && after === null)
      return `the ownership record of ${name} is not one that qstate would write`
    if (after !== null && after.name !== plan.spec.name)
      return `the ownership record of ${name} names another configuration`
    const isMade = qube.made === true || (after !== null && isEmptyRecord(after))
    if (before === null && isMade && qube.create === undefined)
      return `the ownership record of ${name} claims a qube that the plan does not create`
  }
  const changed = new Map(changes.map((change) => [change.path, change]))
  const noted = (path: string, ...kinds: Note['kind'][]): boolean =>
    qube.notes.some((note) => note.path === path && kinds.includes(note.kind))
  for (const { path, after: value, reason } of changes) {
    if (reason === 'rollback') continue
    const owned = after?.set.get(path)
    const original = before?.originals.get(path)
    // Drift is given back where a selector has lost the qube, and set again anywhere else.
    if (reason === 'withdrawn' || (reason === 'drift' && owned === undefined)) {
      if (owned !== undefined || original === undefined || !sameValue(original, value))
        return `the ownership record of ${name} has no such value to give back for ${path}`
    } else if (owned === undefined || !sameValue(owned, value))
      return `the ownership record of ${name} does not own ${path} as the plan sets it`
  }
  for (const [path, value] of after?.set ?? []) {
    if (changed.has(path) || value === null || isHeld(before, path, value)) continue
    if (!noted(path, 'adopted', 'once'))
      return `the ownership record of ${name} claims ${path}, which the plan does not set`
  }
  for (const path of before?.set.keys() ?? []) {
    if (changed.has(path) || after?.set.has(path) === true) continue
    if (isReleased(qube) || noted(path, 'released', 'as-before')) continue
    return `the ownership record of ${name} forgets ${path}, which the plan does not take away`
  }
  // Where the record was taken away, what was written from here says what was before.
  if (before === null && qube.notes.some(({ kind }) => kind === 'record-lost')) return undefined
  for (const [path, value] of after?.set ?? []) {
    const original = after?.originals.get(path)
    const change = changed.get(path)
    const isRight =
      before?.set.has(path) === true && !noted(path, 'followed')
        ? sameOriginal(original, before.originals.get(path))
        : original === undefined
          ? qube.create !== undefined
          : change === undefined
            ? isSeenAs(path, original, value)
            : sameValue(original, change.before) || isSeenAs(path, original, null)
    if (!isRight && change?.reason !== 'rollback')
      return `the ownership record of ${name} claims what ${path} was before`
  }
  return undefined
}

function parse(text: string | null, identity: { name: string; uuid: string }): OwnershipRecord | null {
  const reading = parseRecord(text ?? undefined, identity)
  return reading.kind === 'record' ? reading.record : null
}

const sameOriginal = (a: Value | null | undefined, b: Value | null | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameValue(a, b)

/** A value that was right already may have been read in another form than the one it is written in; and SLIC was not there. */
const isSeenAs = (path: string, original: Value | null, value: Value | null): boolean =>
  sameValue(original, value) ||
  (original === null ? path === SLIC_TABLES : value !== null && !isValueFor(path, original))

function isHeld(record: OwnershipRecord | null, path: string, value: Value | null): boolean {
  const held = record?.set.get(path)
  return held !== undefined && sameValue(held, value)
}

/** The whole qube is given up, and the plan says so. */
const isReleased = (qube: QubePlan): boolean =>
  qube.record.after === null && qube.notes.some((note) => note.kind === 'released' && note.path === null)
