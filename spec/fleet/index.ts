/**
 * Fleets and rollouts as people write them: YAML in, models or diagnostics out.
 *
 * It knows which hosts there are, what each adds to the spec, and how carefully a revision is to reach them. It does not know
 * how a host is reached, nor what becomes of a rollout: that is for fleet/.
 */
export { checkHosts, type FoundFiles, type HostDiagnostic } from './check-hosts.ts'
export { type ChosenWave, chooseWaves } from './choose.ts'
export { fleetSchema } from './fleet-schema.ts'
export { hostFiles, isAt } from './host-files.ts'
export { layered, type Layering } from './layers.ts'
export { type LoadedFleet, loadFleet } from './load.ts'
export {
  type Away,
  type Fleet,
  type FleetHost,
  type Health,
  type Layer,
  type Reach,
  type RolloutSpec,
} from './model.ts'
export { rolloutSchema } from './rollout-schema.ts'
