/**
 * An agent's own file: YAML in, its configuration or diagnostics out. It knows what may be said there, and nothing of how an
 * agent does it: that is for agent/.
 */
export { NOTICE_WORDS } from './agent-schema.ts'
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
