import { loadSpec } from '../../agent/index.ts'
import { fleetLayout, type Revision } from '../../git/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec } from '../host/index.ts'
import { sourcesOf } from '../source/index.ts'

/** A repository that is here, and where in it the fleet is written down. */
export interface Place {
  /** Where its objects are. */
  readonly gitDir: string
  /** From the root of the repository. */
  readonly fleetPaths: readonly string[]
}

/**
 * What a host is to be, as a commit says: the commit's fleet names the files, and lays them over each other. Fails with
 * QstateError for what the commit holds, with QstateError where git fails.
 */
export function specAt({ gitDir, fleetPaths }: Place, commit: string, host: string): LoadedSpec {
  return specOf(commit, fleetLayout({ files: fleetPaths, host })(gitDir, commit))
}

/** The spec that a revision holds. Fails with QstateError where it is none. */
export function specOf(commit: string, revision: Revision): LoadedSpec {
  const loaded = loadSpec(commit, revision)
  if ('refusal' in loaded)
    throw new QstateError(problem('invalid-spec', loaded.refusal.why, 'correct it with a new commit'))
  return { sources: sourcesOf(revision), manifest: loaded.spec.manifest }
}
