/**
 * The agent joined to a host: configuration file, state folder, fleet membership.
 */
export { type AgentOptions, readAgentFile } from './config-file.ts'
export { agentHost, currentTables } from './host.ts'
export { takePart } from './join-fleet.ts'
export { agentPlace } from './place.ts'
