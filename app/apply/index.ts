/**
 * Applies plans, restarts and attaches, with or without a person present. `run.ts` is a whole run on one page.
 */
export { type AttachReport } from './attach.ts'
export { applyUnattended, PARALLELISM } from './execute.ts'
export { tryWithLock } from './lock.ts'
export { planRelease } from './release.ts'
export { removalsOf, withholdRemovals } from './removals.ts'
export { readAllowedWithdrawals, withholdWithdrawals } from './withdrawals.ts'
export {
  restartedNow,
  type RestartOptions,
  restartPending,
  type RestartRequest,
  withRestarts,
} from './restarts.ts'
export { planWithdrawal } from './withdraw.ts'
export { planRollback, type RollbackScope, rollbackScope, tablesOfScope } from './rollback.ts'
export { type Reviewer, type RunOptions, type RunResult, runApply } from './run.ts'
