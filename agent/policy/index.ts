/**
 * What an agent may do now: windows, freezes, back-off, drift policy. Pure but for the reconciliation that it guards.
 */
export { gateAt, nextBeginning } from './calendar.ts'
export { runCheck } from './checks.ts'
export {
  awaitingConsent,
  bringsNews,
  CONFLICT_FROM,
  CONSENT,
  type Held,
  holdProblem,
  isUndone,
  keyOf,
} from './decide.ts'
export { correctsDrift, type Gate, type Policy, withdrawsUnmatched } from './policy.ts'
export { reconcile, type Reconciled, settledBy } from './reconcile.ts'
export { type Attempts, counted, turnOf } from './retries.ts'
