/**
 * The core: three-way difference, plan, apply. It is handed its providers and its host, and knows neither sockets nor
 * files, clocks or terminals; a plan is a value, and an apply does what the value says.
 */
export { diffOfTemplate, isEdited } from './annotate/index.ts'
export {
  applyPlan,
  isMeant,
  isWanted,
  type Journal,
  type LiveAction,
  liveActions,
  type LiveWish,
  liveWishes,
  mayRestart,
  type PresentDevice,
  requiredDevices,
  restartQube,
  type RestartReport,
  startQube,
} from './applying/index.ts'
export { observeQube } from './observe/index.ts'
export { countingNow, parseRecord } from './ownership/index.ts'
export {
  type Blocked,
  type Change,
  changeDigest,
  type ChangeLine,
  changesOf,
  deviceOf,
  reportExitCode,
  failureOf,
  needsApply,
  pathOfDevice,
  type Plan,
  planHolds,
  planIsBlocked,
  planIsEmpty,
  type QubePlan,
  type QubeReport,
  type Report,
  takesByItself,
} from './plan/index.ts'
export {
  countWrites,
  creationOf,
  growthsOf,
  makePlan,
  makeReleasePlan,
  makeRollbackPlan,
  type PlanContext,
  readPlan,
  selectsAll,
} from './planning/index.ts'
export {
  hasTemplate,
  type Host,
  type HostCall,
  type HostQube,
  type ManagedVersion,
  mapLimited,
  mergeNeeds,
  type Needs,
  needsOf,
  NO_NEEDS,
  type Observation,
  type Orphan,
  type Provider,
  providerOf,
  type Providers,
  type QubeFacts,
  type QubesVersion,
  type Reading,
  type Refusal,
  type SettingChange,
  type TemplateTexts,
  type Unknown,
  type UsbAssignment,
} from './ports/index.ts'
