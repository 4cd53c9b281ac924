/**
 * The files of a fleet: hosts, waves, layers; schema, reader and model.
 */
export { checkHosts, type FoundFiles } from './check-hosts.ts'
export { chooseWaves, type ChosenWave } from './choose.ts'
export { fleetSchema } from './fleet-schema.ts'
export { hostFiles, isAt } from './host-files.ts'
export { loadFleet } from './load.ts'
export { rolloutSchema } from './rollout-schema.ts'
export { type Away, type Fleet, type FleetHost, type Health, type Reach, type RolloutSpec } from './model.ts'
