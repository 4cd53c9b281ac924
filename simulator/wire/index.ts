/**
 * The socket, the framing, policy and injected faults: what stands between a client and a method.
 */
export { dispatch } from './dispatch.ts'
export { type Fault, type FaultAction, faultsInTurn, parseFaults } from './faults.ts'
export { listen, type Listener } from './server.ts'
export { decodeRequest, encodeEvent } from './wire.ts'
