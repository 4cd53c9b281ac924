import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { gitNow, repositoryOf } from '../../git/index.ts'
import { invalid, nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Fleet, loadFleet, type RolloutSpec } from '../../spec/fleet/index.ts'
import { type Context } from '../index.ts'
import { type HostTarget } from '../host/index.ts'
import { readSources } from '../source/index.ts'

/** Where a person says that a fleet is, and what this machine needs to act for it. */
export interface FleetLocation {
  /** Files and folders. None: `fleet.yaml` here. */
  readonly paths: readonly string[]
  /** Private key to connect to the servers with. */
  readonly keyFile: string | null
  /** Certificates that those of the servers are signed with. */
  readonly caFile: string | null
  /** Keys whose signatures count here; null: none is looked at. */
  readonly allowedSigners: string | null
  /** Folder of the programs that a rollout may run as checks of hosts without an agent. */
  readonly checks: string
  /** For hosts without an agent, but for the way to each; its state folder is also where this machine keeps what it has of fleets. */
  readonly target: HostTarget
}

/** A fleet that was read, and where it was found. */
export interface FleetFile extends FleetLocation {
  readonly fleet: Fleet
  readonly rollouts: readonly RolloutSpec[]
  /** Folder that paths of the fleet are told from. */
  readonly folder: string
}

const DEFAULT = 'fleet.yaml'

/** Reads the fleet that is named, or `fleet.yaml` here. Fails with `no-fleet-given` and `invalid-fleet`. */
export function readFleetFile(location: FleetLocation, context: Context): FleetFile {
  const { cwd, report } = context
  if (location.paths.length === 0 && !existsSync(join(cwd, DEFAULT))) {
    const hint = 'name it with --fleet FILE; docs/fleet.md shows how one is written'
    throw new QstateError(
      problem('no-fleet-given', `no fleet is named, and there is no ${DEFAULT} here`, hint),
    )
  }
  const sources = readSources(location.paths.length > 0 ? location.paths : [DEFAULT], cwd)
  const { fleet, rollouts, diagnostics } = loadFleet(sources.files)
  report(diagnostics, sources.files)
  if (fleet === null) throw invalid('invalid-fleet', 'the fleet has errors: nothing was changed', diagnostics)
  const paths = sources.files.map(({ path }) => resolve(cwd, path))
  return { ...location, fleet, rollouts, paths, folder: dirname(paths[0] ?? cwd) }
}

/** The rollout that is meant, and the commit that it is to give. */
export function chosenRollout(
  name: string | null,
  file: FleetFile,
): { readonly spec: RolloutSpec; readonly commit: string } {
  const spec = rolloutNamed(name, file)
  return { spec, commit: commitFor(spec.revision, file) }
}

/** The rollout that is meant: the one that is named, or the only one. */
function rolloutNamed(name: string | null, { rollouts }: FleetFile): RolloutSpec {
  const names = rollouts.map((rollout) => rollout.name)
  const found =
    name === null && rollouts.length === 1 ? rollouts[0] : rollouts.find((one) => one.name === name)
  if (found !== undefined) return found
  const near = name === null ? undefined : nearest(name, names)
  const what = name === null ? 'there is more than one rollout, or none' : `there is no rollout ${name}`
  const list = names.length === 0 ? 'write one: kind: Rollout' : `the rollouts are ${names.join(', ')}`
  throw new QstateError(problem('no-rollout', what, near === undefined ? list : `did you mean ${near}?`))
}

/** A repository that is here, and where in it the fleet is written down. */
export interface FleetRepository {
  /** Where its objects are. */
  readonly gitDir: string
  /** From the root of the repository. */
  readonly files: readonly string[]
}

/** Where the fleet is in its repository. Fails with QstateError outside of one. */
export function repositoryOfFleet({ folder, paths }: FleetFile): FleetRepository {
  const { gitDir, prefix } = repositoryOf(folder)
  return { gitDir, files: paths.map((path) => join(prefix, path.slice(folder.length + 1))) }
}

/** Whether some remote is known to have a commit, as of the last push or fetch; true where there is no remote. */
export function isPushed(commit: string, folder: string): boolean {
  const refs = (...more: readonly string[]): boolean =>
    gitNow(folder, ['for-each-ref', '--count=1', ...more, 'refs/remotes']).length > 0
  return refs(`--contains=${commit}`) || !refs()
}

/** The commit that a revision stands for now. */
function commitFor(revision: string, { folder }: FleetFile): string {
  try {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]
    return gitNow(folder, args).toString('latin1').trim()
  } catch {
    const hint = 'name a commit, branch or tag of the repository that the fleet is in'
    throw new QstateError(problem('bad-revision', `there is no commit ${revision} in ${folder}`, hint))
  }
}
