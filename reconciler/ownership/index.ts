/**
 * What qstate owns on a qube: the record there, and what becomes of a setting when a spec names it, changes it or drops it.
 *
 * The record is the feature `qstate.applied`: `{"v":2,"uuid":…,"name":…,"commit":…,"at":…,"by":…,"once":[i],"free":[i],"orig":{i:value},"set":{path:value}}`.
 * `set` is what was last applied; `orig` what was there before, where that is another value; `once` names what was given once; `free` names what was before is not known of;
 * `waits`, of a running qube, what was changed since which start and from which value: set back to that, it waits no longer. A
 * record of another UUID is a clone's, and is not believed unless the qube was renamed. A configuration with a `name` also finds the qubes that it has
 * dropped, at one call for each qube that it does not name. Where a qube was renamed, and the spec says so, its entries pass over.
 */
export {
  type Baseline,
  baselineAfter,
  consentNeeded,
  consentProblem,
  isCovered,
  withLeaving,
} from './consent.ts'
export { changesOwnership } from './changes-ownership.ts'
export { recordProblem } from './check-record.ts'
export {
  clearPendingRestart,
  holdsValues,
  ownRecord,
  parseRecord,
  type RecordReading,
} from './parse-record.ts'
export { type Membership, membershipOf, whyUnmatched } from './membership.ts'
export { ownedAfter, recordAfterOutcomes } from './record-after-outcomes.ts'
export {
  formatRecord,
  isEmptyRecord,
  type OwnershipRecord,
  recordCall,
  recordTooLong,
  restoreEntry,
  restorePath,
  sameOwnership,
  type Waits,
} from './record.ts'
export { heldRecord, isReadAnew, mentionsAny, renamedFormer, renamedIn, uuidIn } from './renames.ts'
export { mergeWaits, type Standing, standingOf, unproven } from './standing.ts'
export { type Entry, type SettingState, type Transition, transitionOf } from './transition.ts'
