import { dirname, join, normalize } from 'node:path/posix'
import { readRevision } from '../../agent/revision.ts'
import { EXIT } from '../../reconciler/index.ts'
import { type FleetHost, layered, loadFleet } from '../../spec/fleet/index.ts'
import { type Diagnostic, formatDiagnostics, loadManifest, type SourceFile } from '../../spec/index.ts'
import { sourcesOf } from '../git-sources.ts'
import { UserError } from '../io.ts'
import { type LoadedSpec } from '../session.ts'

/** A repository that is here, and where in it the fleet is written down. */
export interface Place {
  /** Where its objects are. */
  readonly gitDir: string
  /** From the root of the repository. */
  readonly fleetPaths: readonly string[]
}

/**
 * What a host is to be, as a commit says: the commit's fleet names the files, and lays them over each other. Fails with UserError
 * or RevisionError for what the commit holds, with GitError where git fails.
 */
export function specAt(place: Place, commit: string, name: string): LoadedSpec {
  const { layers } = hostAt(place, commit, name)
  const named = layers.map(({ spec }) =>
    spec.map(({ path, position }) => normalize(join(dirname(position.file), path))),
  )
  if (named.every((paths) => paths.length === 0)) {
    const hint = 'name files under spec: of the fleet, of a group or of the host'
    throw new UserError(EXIT.invalidSpec, 'no-spec', `${name} has no spec in ${short(commit)}`, hint)
  }
  const revision = readRevision(place.gitDir, commit, named.flat())
  const files = [...revision.files].map(([path, text]) => ({ path, text }))
  const { manifest, diagnostics } = loadManifest(files, {
    readTable: revision.read,
    shape: layered({
      layerOf: (file) => named.findLastIndex((paths) => paths.some((path) => isAt(file, path))),
      values: new Map(layers.flatMap(({ values }) => [...values])),
    }),
  })
  if (manifest === null) throw invalid(commit, diagnostics, files)
  return { sources: sourcesOf(revision), manifest }
}

function hostAt({ gitDir, fleetPaths }: Place, commit: string, name: string): FleetHost {
  const files = [...readRevision(gitDir, commit, fleetPaths).files].map(([path, text]) => ({ path, text }))
  const { fleet, diagnostics } = loadFleet(files)
  if (fleet === null) throw invalid(commit, diagnostics, files)
  const host = fleet.hosts.get(name)
  if (host !== undefined) return host
  const hint = 'declare it under hosts, commit, and order that commit'
  throw new UserError(EXIT.invalidSpec, 'unknown-host', `${short(commit)} knows no host ${name}`, hint)
}

const isAt = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`)

const short = (commit: string): string => commit.slice(0, 12)

function invalid(
  commit: string,
  diagnostics: readonly Diagnostic[],
  files: readonly SourceFile[],
): UserError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').slice(0, 3)
  const told = formatDiagnostics(errors, files, { color: false, width: 100 }).trimEnd()
  const hint = 'correct it with a new commit'
  return new UserError(EXIT.invalidSpec, 'invalid-spec', `${short(commit)} is no valid spec:\n${told}`, hint)
}
