/**
 * The agent's configuration file: schema, reader and model.
 */
export { agentSchema, NOTICE_WORDS } from './agent-schema.ts'
export { readWindow } from './calendar.ts'
export { defaultHostPolicies, loadAgentConfig, type LoadedConfig, loadHostPolicies } from './load.ts'
export {
  type AgentConfig,
  type AgentFleet,
  type AgentTrust,
  type Freeze,
  type HostPolicies,
  type NotifyTarget,
  type Window,
} from './model.ts'
