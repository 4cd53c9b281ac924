/**
 * Plans, applies, restarts and attaches, with or without a person present.
 */
export { attachNow, liveLines, type LiveReport } from './live.ts'
export { isPlanFile, readPlanFile, tablesFrom, writePlanFile } from './plan-file.ts'
export {
  type RemovalOptions,
  removalsConfirmed,
  removesQubes,
  requireAllowed,
  withholdRemovals,
} from './removals.ts'
export { restartedNow, restartLines, type RestartOptions, restartWaiting, withRestarts } from './restarts.ts'
export { tagsOf, targetFilter } from './targets.ts'
export { alone, applyUnasked, PARALLELISM } from './unattended.ts'
export { tellUnfinished, unfinishedChanges } from './unfinished.ts'
