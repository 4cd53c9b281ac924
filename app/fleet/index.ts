/**
 * A fleet joined to its hosts: file, store, hosts without an agent, controllers in this process.
 */
export { steadyClock } from './clock.ts'
export {
  allowedSigners,
  chosenRollout,
  type FleetFile,
  type FleetOptions,
  isPushed,
  placeOf,
  readFleetFile,
} from './fleet-file.ts'
export {
  type Asking,
  consentTrouble,
  lookAtHost,
  type LookedAt,
  planOn,
  type Seen,
} from './host-condition.ts'
export { specOf } from './host-spec.ts'
export { directHosts, type HostWay, wayTo } from './host-work.ts'
export { connectMember, withStore } from './open-store.ts'
export { orderedSpec } from './ordered-spec.ts'
export { runHere, tellPlainly } from './run-here.ts'
