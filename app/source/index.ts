/**
 * Where a spec comes from: files, a git revision, or the active commit of the agent.
 */
export { agentState, type AgentState } from './active-commit.ts'
export { gitSources, mergeBase, sourcesOf } from './git-sources.ts'
export { hasDefaultSpec, readSources, type Sources } from './sources.ts'
export { findSpec, isNoSpec, type SpecOptions } from './spec-source.ts'
