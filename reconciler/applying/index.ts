/**
 * Plan → Report: between qubes and within one, restarts, and devices of running qubes.
 * It takes no decision that the plan has not taken.
 */
export { applyPlan } from './apply.ts'
export { type Journal } from './journal.ts'
export {
  attachmentGaps,
  compareDevices,
  type LiveAction,
  type LiveDevices,
  type LiveRemark,
  type LiveWish,
  liveWishes,
  settledWishes,
} from './live.ts'
export { mayRestart, restartQube, type RestartReport, startQube } from './restart.ts'
