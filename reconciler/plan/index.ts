/**
 * The Plan as a document, the Report on it, and the order of changes within a qube.
 * It does not know how a plan is made or applied.
 *
 * Each change is a JSON Patch (RFC 6902): `test`, then `add`, `replace` or `remove`. A setting that is absent is `null` in the document
 * that guards are tested on, since `test` cannot say "not there". A patch is tried on copies only: applying one is not atomic.
 */
export { changeDigest, type ChangeLine, changesOf } from './change-digest.ts'
export { deviceOf, type Device, isDevice, isMeant, overlaps, pathOfDevice, takesByItself } from './devices.ts'
export { makesOffer, withdrawsOffer } from './offers.ts'
export { byOrder } from './order.ts'
export { diffSettings, guarded, guardsHold, inverse, type Operation, pointerOf } from './patch.ts'
export {
  type Blocked,
  type HeldSetting,
  type Change,
  type ConsentRequest,
  type Creation,
  driftLeft,
  type MovedFrom,
  type EnsureDifference,
  needsApply,
  type Note,
  type OrphanTemplate,
  type Plan,
  PLAN_SCHEMA,
  EFFECTS,
  PLAN_VERSION,
  planCloses,
  planHolds,
  planIsBlocked,
  planIsEmpty,
  type PlannedRestart,
  type QubePlan,
  type RestartHarm,
  type Reason,
  REASONS,
  type Removal,
  removedOrphans,
  type Reported,
  type Rename,
  type SpecOrigin,
  type Unmatched,
  type Untold,
  type VolumeGrowth,
  type Withdrawal,
} from './plan.ts'
export { isElsewhere, notPluggedIn, unattached } from './attachment.ts'
export { nearMatch } from './near-match.ts'
export { namedQube, type Reference, referenceOf } from './references.ts'
export { reportExitCode, failureOf, type Outcome, type QubeReport, type Report } from './report.ts'
