/**
 * Desired, observed and recorded state → Plan: differences, creation, removal, rollback, pending restarts.
 * It writes nothing.
 */
export { asOfNow } from './as-of-now.ts'
export { planProblem, settingsProblem } from './check-plan.ts'
export { countWrites } from './count-writes.ts'
export { creationOf, findCreated, growthsOf, identified, templateProblem } from './creation.ts'
export { makePlan } from './make-plan.ts'
export { selectsAll } from './plan-context.ts'
export { makeReleasePlan } from './release-plan.ts'
export { makeWithdrawalPlan } from './withdrawal-plan.ts'
export { makeRollbackPlan } from './rollback-plan.ts'
