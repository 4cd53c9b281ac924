/**
 * Connects to a host: transport, qubes, SLIC files, snapshots. The only use cases that know qubesd.
 */
export { policyLine, quoteForTerminal } from '../../qubesd/index.ts'
export {
  connect,
  type ConnectedHost,
  connectHost,
  type Connection,
  connectManaged,
  listManaged,
  type ManagedHost,
  type PlanningHost,
  type Tables,
} from './connect.ts'
export { type DeniedCall } from './denials.ts'
export { findQube } from './find-qube.ts'
export { requireManaged } from './managed.ts'
export { openHost } from './recorded.ts'
export { tableProblem } from './slic/index.ts'
export { recordHost } from './snapshot/index.ts'
export { defaultStateDir, staysAtRestart } from './state-dir.ts'
export { readTags } from './tags.ts'
export { type HostTarget, type HostTransport } from './target.ts'
export { VERSIONS } from '../../qubesd/index.ts'
