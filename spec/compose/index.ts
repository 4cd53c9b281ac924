/**
 * Statements → DesiredState: profiles merged, selectors resolved against the host, conflicts found.
 */
export { composer } from './compose.ts'
export { loadManifest } from './load.ts'
export { resolve } from './resolve.ts'
export { comesAndGoes, globMatches } from './select.ts'
