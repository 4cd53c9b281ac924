/**
 * Settings → the YAML that a person would write for them. It reads nothing back but to check its own work.
 */
export { type KeptParts, keptParts, NOTHING_KEPT } from './kept.ts'
export { type LeftOut, type NamedDevice, reasonOf, writeManifest, type WrittenManifest } from './manifest.ts'
export { scalar } from './value.ts'
