/**
 * Which files of a commit are the spec of a host. It has a door of its own, since it reads files of fleets, and most that use git
 * know of no fleet.
 */
import {
  type Diagnostic,
  formatDiagnostics,
  problem,
  QstateError,
  type SourceFile,
} from '../../spec/diagnostics/index.ts'
import { hostFiles, loadFleet } from '../../spec/fleet/index.ts'
import { readRevision, type Revision } from '../index.ts'

/** Which files of a commit are the spec of a host. Fails as `readRevision` does. */
export type Layout = (gitDir: string, commit: string) => Revision

/** All files at or below these paths. */
export const pathsLayout =
  (paths: readonly string[]): Layout =>
  (gitDir, commit) =>
    readRevision(gitDir, commit, paths)

/** A host of a fleet, and where its fleet is written down, from the root of the repository. */
export interface FleetPlace {
  readonly files: readonly string[]
  readonly host: string
}

/** The files that the commit's fleet names for the host, laid over each other as it says. */
export const fleetLayout =
  ({ files, host }: FleetPlace): Layout =>
  (gitDir, commit) => {
    const written = [...readRevision(gitDir, commit, files).files].map(([path, text]) => ({ path, text }))
    const { fleet, diagnostics } = loadFleet(written)
    if (fleet === null) throw invalid(commit, diagnostics, written)
    const found = fleet.hosts.get(host)
    if (found === undefined) {
      const hint = 'declare it under hosts, commit, and order that commit'
      throw new QstateError(problem('unknown-host', `${short(commit)} knows no host ${host}`, hint))
    }
    const { paths, shape } = hostFiles(found)
    if (paths.length === 0) {
      const hint = 'name files under spec: of the fleet, of a group or of the host'
      throw new QstateError(problem('no-spec', `${host} has no spec in ${short(commit)}`, hint))
    }
    const named = paths.map(({ path }) => path)
    const chosenBy = written.map(({ path }) => path)
    return { ...readRevision(gitDir, commit, named), shape, chosenBy }
  }

const short = (commit: string): string => commit.slice(0, 12)

function invalid(
  commit: string,
  diagnostics: readonly Diagnostic[],
  files: readonly SourceFile[],
): QstateError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').slice(0, 3)
  const told = formatDiagnostics(errors, files, { color: false, width: 100 }).trimEnd()
  const hint = 'correct it with a new commit'
  return new QstateError(problem('invalid-spec', `${short(commit)}: its fleet has errors\n${told}`, hint))
}
