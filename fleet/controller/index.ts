/**
 * Carries a rollout out: one controller leads, others stand by.
 */
export { archive, pastRollouts } from './history.ts'
export { runController } from './run-controller.ts'
