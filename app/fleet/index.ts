/**
 * A fleet joined to its hosts: file, store, rollouts, controllers, and the loops of hosts that have no agent.
 */
export { runFleetController } from './controller.ts'
export { type FleetFile, type FleetLocation, readFleetFile } from './fleet-file.ts'
export { type FleetStatus, fleetStatus, type HostRow } from './fleet-status.ts'
export { makeKeyFile, readKeyFile } from './keys.ts'
export { planRollout, type RolloutPlan } from './rollout-plan.ts'
export { rolloutHistory, rolloutStatus, startRolloutOn, tellRollout, watchRollout } from './rollouts.ts'
export { fleetServerConfig } from './server-config.ts'
