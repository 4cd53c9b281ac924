/**
 * Whether a spec or a fleet is valid, without any host.
 */
export { type FleetCheck } from './fleet.ts'
export { type SpecCheck } from './spec.ts'
export { validateAt } from './validate.ts'
