/**
 * Existing qubes → the YAML that describes them.
 */
export { uniqueName } from './device-names.ts'
export { nameDevices } from './devices.ts'
export {
  type Candidate,
  decode,
  look,
  modeOf,
  pathsIn,
  readCandidate,
  type Seen,
  unnameable,
} from './inventory.ts'
export { isReserved } from './noise.ts'
export { type ImportedQube, readQube } from './read.ts'
