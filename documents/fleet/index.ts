/**
 * What hosts and controllers of a fleet exchange. Hosts are trusted no further than the shape of what they write.
 */
export type { Ask } from './ask.ts'
export { askDocument } from './ask-validator.ts'
export { asHostProblem, asHostText, MAX_CHANGES } from './host-text.ts'
export type { HostPlan } from './host-plan.ts'
export { hostPlanDocument } from './host-plan-validator.ts'
export type { Condition, HostReport } from './host-report.ts'
export { hostReportDocument } from './host-report-validator.ts'
export type { Lease } from './lease.ts'
export { leaseDocument } from './lease-validator.ts'
export type { MemberMemory } from './member.ts'
export { memberDocument } from './member-validator.ts'
export type { Order } from './order.ts'
export { orderDocument } from './order-validator.ts'
export type { HostState, Phase, RolloutState, Said, Stage } from './rollout-state.ts'
export { rolloutStateDocument } from './rollout-state-validator.ts'
