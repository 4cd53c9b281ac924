/**
 * The store on NATS JetStream, loaded only where a fleet has servers: two key-value buckets of the official client. Hosts make no
 * consumers: a push consumer delivers wherever its maker says, past all permissions. A host reads its order by subject; what it hears
 * is only a reason to read. Hosts are in an account of their own, since answers go wherever the asker says, and write into a stream
 * that takes no `Nats-Rollup`, which would let one erase the others. The types of the client do not hold under
 * `exactOptionalPropertyTypes`, hence `skipLibCheck`.
 */
export { natsConnect } from './connect.ts'
export { natsMemberStore } from './member-store.ts'
export { serverConfig, type ServerCluster, type ServerPaths } from './server-config.ts'
export { natsStore } from './store.ts'
