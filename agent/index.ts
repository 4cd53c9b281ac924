/**
 * The long-running reconciler of one host. It follows a git repository of which it checks out nothing, hears the events of the
 * host, and does what its policy lets it do. It is handed the host, the clock and the commands' way of planning; what it keeps
 * on disk it can lose.
 */
export { gateOf } from './act.ts'
export { gateAt } from './calendar.ts'
export { isSystemError, sayOfSystem, SYSTEM_HINT } from './errors.ts'
export { type Held } from './decide.ts'
export { type AgentContext, type AgentWatch, type Turn } from './life.ts'
export { runAgent } from './loop.ts'
export { type Memory, type Trouble } from './memory.ts'
export { openMirror } from './mirror.ts'
export { type Notice } from './notices.ts'
export {
  type AgentHost,
  type Clock,
  type CommittedSpec,
  type HostNews,
  type RestartCare,
  type Selects,
} from './ports.ts'
export { branchSource, type News, type Ordered, orderedSource, type Source } from './source.ts'
export { openStore, type Store } from './store.ts'
