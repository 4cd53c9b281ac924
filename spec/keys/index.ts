/**
 * Public keys that people write into files: of hosts, of those in charge, of those whose consent is enough.
 */
export { checkPublicKeys } from './public-key.ts'
