/**
 * Many hosts: a rollout is a pure state machine over what hosts report; controllers, of which one is in charge, store its state and
 * write what each host is to have. It knows neither how a host is reconciled nor how its agent works, and asks little of a store.
 */
export { archive, type Lease, pastRollouts, readLease, runController } from './controller/index.ts'
export {
  type AgentStatus,
  ask,
  type Asked,
  type FollowedAgent,
  type HostPlan,
  type PlanningAgent,
  readHostPlan,
  readMemory,
  runMember,
} from './member/index.ts'
export {
  atWork,
  type HostReport,
  type HostState,
  instruct,
  type Instruction,
  isEnded,
  isSettled,
  isTrailing,
  mayBeReplaced,
  needsApproval,
  readOrder,
  readReport,
  readRollout,
  type RolloutState,
  type Stage,
  startRollout,
} from './rollout/index.ts'
export {
  type Clock,
  hostOf,
  type Key,
  KEYS,
  localStore,
  makeKey,
  type MemberStore,
  readKey,
  type Store,
} from './store/index.ts'
