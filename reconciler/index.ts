/**
 * The core: three-way difference, plan, apply. It is handed its providers and its host, and knows neither sockets nor
 * files, clocks or terminals; a plan is a value, and an apply does what the value says.
 */
export { applyPlan } from './apply.ts'
export { changeDigest, type ChangeLine, changesOf } from './change-digest.ts'
export { countWrites } from './count-writes.ts'
export { creationOf, growthsOf } from './creation.ts'
export { deviceOf, pathOfDevice, takesByItself } from './devices.ts'
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
export {
  isPluggedIn,
  isWanted,
  type LiveAction,
  liveActions,
  type LiveWish,
  liveWishes,
  type PresentDevice,
  requiredDevices,
} from './live.ts'
export { makePlan } from './make-plan.ts'
export { mapLimited } from './map-limited.ts'
export { mergeNeeds, needsOf, NO_NEEDS } from './needs.ts'
export { observeQube } from './observe.ts'
export { type PlanContext, selectsAll } from './plan-context.ts'
export {
  type Blocked,
  type Change,
  needsApply,
  type Plan,
  planHolds,
  planIsBlocked,
  planIsEmpty,
  type QubePlan,
} from './plan.ts'
export { type Provider, providerOf, type Providers, type QubeFacts, type SettingChange } from './provider.ts'
export { readPlan } from './read-plan.ts'
export { countingNow, parseRecord } from './record.ts'
export { makeReleasePlan } from './release-plan.ts'
export { EXIT, exitCodeOf, type Failure, failureOf, type QubeReport, type Report } from './report.ts'
export { mayRestart, restartQube, type RestartReport, startQube } from './restart.ts'
export { makeRollbackPlan } from './rollback-plan.ts'
