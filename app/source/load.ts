import {
  type Diagnostic,
  errorCount,
  hasCode,
  invalid,
  problem,
  QstateError,
} from '../../spec/diagnostics/index.ts'
import { type DesiredState, loadManifest, type Manifest, resolve } from '../../spec/index.ts'
import { type Context } from '../context.ts'
import { type PlanningHost, readTags, type Tables } from '../host/index.ts'
import { type AgentState, activeSources } from './active-commit.ts'
import { defaultPaths, MAX_STDIN, readSources, type Sources, STDIN } from './sources.ts'

/** Where a person says that a spec is. */
export interface SpecLocation {
  /** Files and folders. None: the default. */
  readonly paths: readonly string[]
  /** The default, where one is configured; else it is `qstate.yaml` here. */
  readonly configured: readonly string[]
  /** A revision of the repository around, instead of files. */
  readonly revision: string | null
  /** What the path `-` stands for: stdin, as far as a little behind this limit. */
  readonly readInput: (maxBytes: number) => Promise<Buffer>
}

export interface LoadedSpec {
  readonly sources: Sources
  readonly manifest: Manifest
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads and validates a spec. Fails with `no-spec-given` where there is none, and with `invalid-spec`. */
export async function loadSpec(location: SpecLocation, context: Context): Promise<LoadedSpec> {
  return loadSources(await readSourcesAt(location, context), context)
}

/** The same, or what the agent keeps the host by, where neither is a spec named nor one here. */
export async function findSpec(
  location: SpecLocation,
  context: Context,
  findAgent: () => Promise<AgentState | null>,
): Promise<LoadedSpec> {
  try {
    return await loadSpec(location, context)
  } catch (error) {
    if (!isNoSpec(error)) throw error
    const agent = await findAgent()
    const sources = agent === null ? null : await activeSources(agent)
    if (sources === null) throw error
    return loadSources(sources, context)
  }
}

/** Whether no spec was named, and none is here. */
export const isNoSpec = (error: unknown): boolean => hasCode(error, 'no-spec-given')

/** The files of a spec, wherever they are. Fails with `no-spec-given` where none are named, and none are here. */
export async function readSourcesAt(
  { paths, configured, revision, readInput }: SpecLocation,
  { cwd }: Context,
): Promise<Sources> {
  if (revision !== null) {
    // What reads a revision is loaded only where one is named.
    const { gitSources } = await import('./git-sources.ts')
    return gitSources(revision, paths, cwd)
  }
  const found = paths.length > 0 ? paths : defaultPaths(configured, cwd)
  if (found !== null) {
    const input = found.includes(STDIN) ? await readInput(MAX_STDIN) : null
    return readSources(found, cwd, input)
  }
  const hint = 'name files or folders of YAML, such as hosts/laptop.yaml'
  throw new QstateError(problem('no-spec-given', 'no spec is named, and there is no qstate.yaml here', hint))
}

/** Files that have been read already, wherever they came from. */
function loadSources(sources: Sources, context: Context): LoadedSpec {
  const { manifest, diagnostics } = loadManifest(sources.files, sources)
  context.report(diagnostics, sources.files)
  if (manifest === null) throw invalidSpec(diagnostics)
  return { sources, manifest, diagnostics }
}

/** Selectors applied to the qubes of a host, with as few questions as they need: without selectors there need be no host. */
export async function resolveSpec(
  { manifest, sources }: Pick<LoadedSpec, 'manifest' | 'sources'>,
  host: Pick<PlanningHost, 'host' | 'qubes'> | null,
  context: Context,
): Promise<DesiredState> {
  const { needsHost, tags } = manifest.selects
  const qubes = needsHost && host !== null ? await readTags(tags, host, context) : []
  const { desired, diagnostics } = resolve(manifest, { qubes })
  context.report(diagnostics, sources.files)
  return desired
}

const invalidSpec = (diagnostics: readonly Diagnostic[]): QstateError =>
  invalid('invalid-spec', `${errorCount(diagnostics)} in the spec: nothing was changed`, diagnostics)

/** Where tables of a spec are found again when its plan is applied. */
export const tablesOf =
  ({ manifest }: Pick<LoadedSpec, 'manifest'>): Tables =>
  (sha256) =>
    manifest.tables.get(sha256)
