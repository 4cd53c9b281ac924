/**
 * A rollout as a pure state machine: state, step, invariants, orders and reports. No clock, no store.
 */
export { type Heard, type Observation } from './draft.ts'
export { instruct, type Instruction } from './instruct.ts'
export { violations } from './invariants.ts'
export { type Order, orderOf, readOrder } from './order.ts'
export { readRollout } from './read-rollout.ts'
export { type Condition, type HostReport, readReport } from './report.ts'
export { startRollout } from './start.ts'
export {
  atWork,
  type HostState,
  isEnded,
  isSettled,
  isTrailing,
  mayBeReplaced,
  needsApproval,
  type RolloutState,
  type Stage,
} from './state.ts'
export { step } from './step.ts'
export {
  believable,
  believableProblem,
  isCommit,
  isProblemOrNull,
  isText,
  isTextOrNull,
  problemIn,
} from './text.ts'
