import { type Value } from '../../spec/index.ts'
import { type Note, type Plan, type QubePlan } from '../plan/index.ts'
import { sameValue } from '../ports/index.ts'
import { isEmptyRecord, type OwnershipRecord, parseRecord } from './record.ts'

/**
 * Whether the record that a saved plan would write is the one that its changes and notes give: it claims nothing that
 * the plan does not set or says to take over, and forgets nothing that the plan does not take away or says to give up.
 */
export function recordProblem(qube: QubePlan, plan: Pick<Plan, 'spec'>): string | undefined {
  const { record, changes, uuid, qube: name } = qube
  const identity = { name, uuid: uuid ?? '' }
  const before = parse(record.before, identity)
  const after = parse(record.after, identity)
  if (qube.remove !== undefined) {
    const isOwn = before !== null && before.name !== null && before.name === plan.spec.name
    return isOwn && record.before === record.after
      ? undefined
      : `${name} is not this configuration’s to remove`
  }
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
    if (owned === undefined ? value !== null : !sameValue(owned, value))
      return `the ownership record of ${name} does not own ${path} as the plan sets it`
  }
  for (const [path, value] of after?.set ?? []) {
    if (changed.has(path) || value === null || isHeld(before, 'set', path, value)) continue
    if (!noted(path, 'adopted'))
      return `the ownership record of ${name} claims ${path}, which the plan does not set`
  }
  for (const path of before?.set.keys() ?? []) {
    if (changed.has(path) || after?.set.has(path) === true) continue
    if (isReleased(qube) || noted(path, 'released', 'forgotten')) continue
    return `the ownership record of ${name} forgets ${path}, which the plan does not take away`
  }
  for (const [path, value] of after?.was ?? []) {
    if (isHeld(before, 'set', path, value) || isHeld(before, 'was', path, value)) continue
    return `the ownership record of ${name} claims a former value of ${path}`
  }
  return undefined
}

function parse(text: string | null, identity: { name: string; uuid: string }): OwnershipRecord | null {
  const reading = parseRecord(text ?? undefined, identity)
  return reading.kind === 'record' ? reading.record : null
}

function isHeld(
  record: OwnershipRecord | null,
  part: 'set' | 'was',
  path: string,
  value: Value | null,
): boolean {
  const held = record?.[part].get(path)
  return held !== undefined && sameValue(held, value)
}

/** The whole qube is given up, and the plan says so. */
const isReleased = (qube: QubePlan): boolean =>
  qube.record.after === null && qube.notes.some((note) => note.kind === 'released' && note.path === null)
