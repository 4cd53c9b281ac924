/**
 * A fleet joined to its hosts: file, store, rollouts, controllers, and the loops of hosts that have no agent.
 */
export { runFleetController } from './controller.ts'
export { type FleetFile, type FleetLocation, readFleetFile } from './fleet-file.ts'
export { type FleetStatus, fleetStatus, type HostRow } from './fleet-status.ts'
export { countOf, type HostWithdrawals, notAllowed, qubeOfHost, type RolloutWithdrawals } from './consents.ts'
export { makeKeyFile, readKeyFile } from './keys.ts'
export { type AskOptions, planRollout, type RolloutPlan } from './rollout-plan.ts'
export {
  rolloutHistory,
  rolloutStatus,
  startRolloutOn,
  type StartOptions,
  tellRollout,
  watchRollout,
} from './rollouts.ts'
export { fleetServerConfig } from './server-config.ts'
