/**
 * The ownership record on a qube: what qstate set there. Read, checked, and worked out anew after a run.
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
