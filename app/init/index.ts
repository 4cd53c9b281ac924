/**
 * A new repository for the configuration of hosts.
 */
export { layOutRepository } from './lay-out.ts'
