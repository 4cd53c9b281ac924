/**
 * The store on NATS JetStream, loaded only where a fleet has servers.
 */
export { type ServerCluster } from './server-config.ts'
