/**
 * One host in its fleet: it claims an order before it begins, and reports how it is.
 */
export { ask, type HostPlan, type PlanningAgent, readHostPlan } from './ask.ts'
export { type AgentStatus, type Asked, type FollowedAgent } from './member.ts'
export { readMemory } from './memory.ts'
export { runMember } from './run-member.ts'
