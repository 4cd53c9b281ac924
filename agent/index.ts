/**
 * The long-running reconciler of one host. It follows a git repository of which it checks out nothing, hears the events of the
 * host, and does what its policy lets it do. It is handed the host, the clock and the commands' way of planning; what it keeps
 * on disk it can lose.
 */
export { gateOf } from './act.ts'
export { gateAt } from './calendar.ts'
export { runCheck } from './checks.ts'
export { type Held } from './decide.ts'
export { loadSpec } from './load-spec.ts'
export { runAgent } from './loop.ts'
export { holdsStill, type Memory, type Trouble } from './memory.ts'
export { makeMetrics } from './metrics.ts'
export { openNotifier } from './notify.ts'
export { type Ordered } from './orders.ts'
export {
  type AgentHost,
  type Clock,
  type CommittedSpec,
  type HostNews,
  type RestartCare,
  type Selects,
} from './ports.ts'
export { serve } from './serve.ts'
export { branchSource, orderedSource, type Source } from './source.ts'
export { openStore, type Store } from './store.ts'
export { type Turn } from './turn.ts'
