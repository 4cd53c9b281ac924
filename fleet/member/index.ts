/**
 * One host in its fleet: it claims an order before it begins, and reports how it is.
 */
export { ask, type PlanAnswer, type PlanningAgent } from './ask.ts'
export { type AgentStatus, type Asked, type FollowedAgent, NO_MEMORY } from './member.ts'
export { runMember } from './run-member.ts'
