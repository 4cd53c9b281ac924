/**
 * The loop of one host: look at the repository, compare, correct, restart, remember.
 */
export { gateOf } from './act.ts'
export { loadSpec } from './load-spec.ts'
export { runAgent } from './loop.ts'
export { type AgentSettings } from './loop-state.ts'
export { branchSource, orderedSource, type Source } from './source.ts'
