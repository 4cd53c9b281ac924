/**
 * Applies plans, restarts and attaches, with or without a person present. `run.ts` is a whole run on one page.
 */
export { type AttachReport } from './attach.ts'
export { type Confirmed, confirmApply } from './confirm.ts'
export { liftHold, secondsLeft, untilOf, untriedText, warnUnconfirmed } from './confirmation.ts'
export { applyUnattended, PARALLELISM } from './execute.ts'
export { tryWithLock } from './lock.ts'
export { planRelease } from './release.ts'
export { removalsOf, withholdRemovals } from './removals.ts'
export { type AllowedWithdrawals, readAllowedWithdrawals, withholdWithdrawals } from './withdrawals.ts'
export {
  restartedNow,
  type RestartOptions,
  restartPending,
  type RestartRequest,
  withRestarts,
} from './restarts.ts'
export { planWithdrawal } from './withdraw.ts'
export { revertOverdue, revertUnconfirmed, takenBack } from './revert.ts'
export { planRollback, type RollbackScope, rollbackScope, tablesOfScope } from './rollback.ts'
export { type ConfirmOptions } from './safety-net.ts'
export { type Reviewer, type RunOptions, type RunResult, runApply } from './run.ts'
