/**
 * A host as a file: taken from a qubesd, and read again in its place.
 */
export { recordedHost } from './host.ts'
export { readSnapshot } from './model.ts'
export { recordHost } from './record.ts'
