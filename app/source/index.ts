/**
 * Where a spec comes from: files, a git revision, or the active commit of the agent.
 */
export { agentFolder, agentState, type AgentState, mirrorIn } from './active-commit.ts'
export { mergeBase, sourcesOf } from './git-sources.ts'
export { commitOfAll, mixedOrigins } from './origins.ts'
export {
  findSpec,
  isNoSpec,
  type LoadedSpec,
  loadSpec,
  readSourcesAt,
  resolveSpec,
  type SpecLocation,
  tablesOf,
} from './load.ts'
export { defaultPaths, readSources, type Sources } from './sources.ts'
