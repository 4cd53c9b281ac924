/**
 * The core: three-way difference, plan, apply. It is handed its providers and its host, and knows neither sockets nor
 * files, clocks or terminals; a plan is a value, and an apply does what the value says.
 */
export { type ApplyContext, applyPlan } from './apply.ts'
export { type ChangeLine, changeDigest, changesOf } from './change-digest.ts'
export { diffOfTemplate, isEdited } from './explain.ts'
export {
  hasTemplate,
  type Host,
  type HostCall,
  HostError,
  type HostQube,
  type Needs,
  type Observation,
  type Orphan,
  type Reading,
  type Refusal,
  type Release,
  type TemplateTexts,
  type Unknown,
  type UsbAssignment,
} from './host.ts'
export { type Journal } from './journal.ts'
export { countingNow } from './record.ts'
export { deviceOf, pathOfDevice } from './devices.ts'
export {
  isPluggedIn,
  isWanted,
  type LiveAction,
  liveActions,
  liveWishes,
  type LiveWish,
  type PresentDevice,
  requiredDevices,
} from './live.ts'
export { countWrites } from './count-writes.ts'
export { makePlan } from './make-plan.ts'
export { type PlanContext, selectsAll } from './plan-context.ts'
export { mapLimited } from './map-limited.ts'
export { NO_NEEDS } from './needs.ts'
export { observeQube, type ObservedQube } from './observe.ts'
export {
  type Blocked,
  type Change,
  type Creation,
  needsApply,
  type Note,
  type Plan,
  planHolds,
  planIsBlocked,
  planIsEmpty,
  type QubePlan,
  type Reason,
} from './plan.ts'
export { makeReleasePlan } from './release-plan.ts'
export { makeRollbackPlan } from './rollback-plan.ts'
export { readPlan } from './read-plan.ts'
export { type Provider, type Providers, type QubeFacts, type SettingChange } from './provider.ts'
export { mayRestart, type RestartContext, restartQube, type RestartReport, startQube } from './restart.ts'
export { type Undone } from './undone.ts'
export { EXIT, exitCodeOf, type Failure, failureOf, type QubeReport, type Report } from './report.ts'
