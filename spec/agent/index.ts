/**
 * The agent's configuration file: schema, reader and model.
 */
export { agentSchema, NOTICE_WORDS } from './agent-schema.ts'
export { readWindow } from './calendar.ts'
export { loadAgentConfig } from './load.ts'
export {
  type AgentConfig,
  type AgentFleet,
  type AgentTrust,
  type Freeze,
  type NotifyTarget,
  type Window,
} from './model.ts'
