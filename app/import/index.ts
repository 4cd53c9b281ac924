/**
 * Existing qubes → the YAML that describes them.
 */
export { uniqueName } from './device-names.ts'
export { type ImportedSpec, importQubes } from './import-qubes.ts'
export { readReplaced } from './replaced-file.ts'
export {
  decode,
  pathsIn,
  type QubeInventory,
  readAllSettings,
  readCandidate,
  unnameable,
} from './inventory.ts'
export { isReserved } from './noise.ts'
