/**
 * Connects to a host: transport, qubes, SLIC files, snapshots. The only use cases that know qubesd.
 */
export {
  connect,
  type Connection,
  listManaged,
  type LoadedSpec,
  loadSources,
  loadSpec,
  makeClient,
  type ManagedSession,
  nearestQube,
  openManaged,
  openSession,
  type PlanOptions,
  planSpec,
  progress,
  resolveSpec,
  type Session,
  stateBase,
  stateFolder,
  type Tables,
  tablesOf,
  tellDiagnostics,
} from './connect.ts'
export { qubesHost, readAllProperties, readProperties, type ToldProperty } from './qubesd/index.ts'
export { requireManaged } from './managed.ts'
export { openHost, type RecordedOptions } from './recorded.ts'
export { tableProblem } from './slic/index.ts'
export { recordHost } from './snapshot/index.ts'
