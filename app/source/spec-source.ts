import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { hasCode } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec, loadSources, loadSpec } from '../host/index.ts'
import { type AgentState } from './active-commit.ts'
import { type Sources } from './sources.ts'

export interface SpecOptions extends GlobalOptions {
  /** A revision of the repository that the user is in, instead of files. */
  readonly fromGit?: string
}

/**
 * The spec that a command is about: files that are named, a revision, or what the agent keeps this host by. The agent is asked
 * for only where nothing else is there: a spec with errors is told also where there is no host.
 */
export async function findSpec(
  paths: readonly string[],
  options: SpecOptions,
  io: Io,
  findAgent: () => Promise<AgentState | null>,
): Promise<LoadedSpec> {
  if (options.fromGit !== undefined) {
    const given = paths.length > 0 ? paths : (options.config ?? [])
    return loadSources(await sourcesFromGit(options.fromGit, given, io.cwd), options, io)
  }
  try {
    return loadSpec(paths, options, io)
  } catch (error) {
    if (!isNoSpec(error)) throw error
    const agent = await findAgent()
    const { sourcesInForce } = await import('./active-commit.ts')
    const sources = agent === null ? null : await sourcesInForce(agent)
    if (sources === null) throw error
    return loadSources(sources, options, io)
  }
}

/** Whether no spec was named, and none is here. */
export const isNoSpec = (error: unknown): boolean => hasCode(error, 'no-spec-given')

/** Files of a revision. What reads git is loaded only where it is asked for. */
async function sourcesFromGit(rev: string, paths: readonly string[], cwd: string): Promise<Sources> {
  return (await import('./git-sources.ts')).gitSources(rev, paths, cwd)
}
