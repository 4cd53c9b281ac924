/**
 * A rollout as a pure state machine: state, step, invariants, orders and reports. No clock, no store.
 */
export { type Heard, type Observation } from './draft.ts'
export { instruct, type Instruction } from './instruct.ts'
export { violations } from './invariants.ts'
export { orderOf } from './order.ts'
export { startRollout } from './start.ts'
export {
  atWork,
  awaitsConsent,
  isEnded,
  isSettled,
  isTrailing,
  mayBeReplaced,
  needsApproval,
} from './state.ts'
export { step } from './step.ts'
