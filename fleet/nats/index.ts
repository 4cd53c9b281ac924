/**
 * The store on NATS JetStream, loaded only where a fleet has servers.
 */
export { natsConnect } from './connect.ts'
export { natsMemberStore } from './member-store.ts'
export { serverConfig, type ServerCluster, type ServerPaths } from './server-config.ts'
export { natsStore } from './store.ts'
