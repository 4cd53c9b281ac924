/**
 * Many hosts: a rollout is a pure state machine over what hosts report; controllers, of which one is in charge, store its state and
 * write what each host is to have. It knows neither how a host is reconciled nor how its agent works, and asks little of a store.
 */
export { ask, type HostPlan, type PlanningAgent, readHostPlan } from './ask.ts'
export { archive, pastRollouts } from './history.ts'
export { instruct, type Instruction } from './instruct.ts'
export { type Key, makeKey, readKey } from './keys.ts'
export { readLease } from './leadership.ts'
export { localStore } from './local-store.ts'
export { readMemory } from './member-memory.ts'
export { type AgentStatus, type Asked, type FollowedAgent } from './member.ts'
export { readOrder } from './order.ts'
export { readRollout } from './read-rollout.ts'
export { type HostReport, readReport } from './report.ts'
export { runController } from './run-controller.ts'
export { runMember } from './run-member.ts'
export { type ServerCluster } from './server-config.ts'
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
export { hostOf, KEYS, type MemberStore, type Store, StoreError } from './store.ts'
export { type Clock } from './waker.ts'
