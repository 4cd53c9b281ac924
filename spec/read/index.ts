/**
 * Nodes → statements: what each body of a manifest says, with every fault reported.
 * Profiles are named here and not yet merged.
 */
export { checkName, type Reading } from './context.ts'
export { driftPolicies, NO_DRIFT, readDrift } from './drift.ts'
export { readDevices, readName, readProfiles, readQubes, readSelectors } from './documents.ts'
export {
  type Body,
  type Composed,
  type DriftStatement,
  type DriftStatements,
  type EnsureStatement,
  type LoadOptions,
  type Manifest,
  type Match,
  type Placed,
  type ProfileUse,
  type Selector,
  type Statement,
  type Statements,
} from './manifest.ts'
export { readFormerly, readMoves } from './moves.ts'
export { durationOf, entriesOf, itemsOf, numberOf, textOf, textsOf } from './nodes.ts'
export { BUILT_IN_PROFILES, builtInBodies } from './profiles.ts'
export { HOST_SLIC } from './slic.ts'
export { readSetting, tooLong } from './value.ts'
