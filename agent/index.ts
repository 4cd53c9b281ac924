/**
 * The long-running reconciler of one host. It follows a git repository of which it checks out nothing, hears the events of the
 * host, and does what its policy lets it do. It is handed the host, the clock and the commands' way of planning; what it keeps
 * on disk it can lose.
 */
export {
  type AgentSettings,
  branchSource,
  gateOf,
  loadSpec,
  orderedSource,
  runAgent,
  type Source,
} from './loop/index.ts'
export { makeMetrics, type Notice, openNotifier, serve } from './notify/index.ts'
export { awaitingConsent, CONSENT, gateAt, type Held, holdProblem, runCheck } from './policy/index.ts'
export {
  type AgentHost,
  type Clock,
  type CommittedSpec,
  type Confirmation,
  type HostNews,
  type Reattached,
  type ReattachCare,
  type RestartCare,
} from './ports/index.ts'
export {
  type Memory,
  openStore,
  type Ordered,
  type Store,
  type Suspension,
  type Turn,
} from './state/index.ts'
