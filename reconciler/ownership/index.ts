/**
 * The ownership record on a qube: what qstate set there. Read, checked, and worked out anew after a run.
 *
 * It is the feature `qstate.applied`: `{"v":1,"uuid":…,"name":…,"commit":…,"at":…,"set":{path:value},"was":{path:value}}`. `set` is what
 * was last applied; `was` keeps the value of ours that a pending change replaces; `waits`, of a running qube, what was changed since
 * which start and from which value: set back to that, it waits no longer. A record of another UUID is a clone's, and not believed.
 * What is owned and no longer wanted is pruned if it still has a value of ours; otherwise someone else has set it since, and it is
 * given up as it is. A configuration with a `name` also finds the qubes that it has dropped, at one call for each qube that it does not name.
 */
export { recordProblem } from './check-record.ts'
export { correctedRecord, ownedAfter } from './record-after-outcomes.ts'
export { waitsAhead } from './record-before-removals.ts'
export {
  clearPendingRestart,
  formatRecord,
  holdsValues,
  isEmptyRecord,
  type OwnershipRecord,
  ownRecord,
  parseRecord,
  type RecordReading,
  recordCall,
  recordTooLong,
  restoreEntry,
  sameOwnership,
  type Waits,
} from './record.ts'
