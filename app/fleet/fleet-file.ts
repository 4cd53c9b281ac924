import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { gitNow, repositoryOf } from '../../git/index.ts'
import { nearest, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Fleet, loadFleet, type RolloutSpec } from '../../spec/fleet/index.ts'
import { tellDiagnostics } from '../host/index.ts'
import { readSources } from '../source/index.ts'
import { type Place } from './host-spec.ts'

/** Options of every command about a fleet. */
export interface FleetOptions extends GlobalOptions {
  readonly fleet?: string[]
  readonly key?: string
  readonly ca?: string
  readonly allowedSigners?: string
}

export interface FleetFile {
  readonly fleet: Fleet
  readonly rollouts: readonly RolloutSpec[]
  /** Folder that paths of the fleet are told from. */
  readonly folder: string
  readonly paths: readonly string[]
}

const DEFAULT = 'fleet.yaml'

/** Reads the fleet that is named, or `fleet.yaml` here. */
export function readFleetFile(options: FleetOptions, io: Io): FleetFile {
  const configured = io.env['QSTATE_FLEET']
  const named = options.fleet ?? (configured === undefined || configured === '' ? [] : configured.split(':'))
  if (named.length === 0 && !existsSync(join(io.cwd, DEFAULT))) {
    const hint = 'name it with --fleet FILE; docs/fleet.md shows how one is written'
    throw new QstateError(
      problem('no-fleet-given', `no fleet is named, and there is no ${DEFAULT} here`, hint),
    )
  }
  const sources = readSources(named.length > 0 ? named : [DEFAULT], io)
  const { fleet, rollouts, diagnostics } = loadFleet(sources.files)
  tellDiagnostics(diagnostics, sources, options, io)
  if (fleet === null)
    throw new QstateError(
      problem('invalid-fleet', 'the fleet has errors: nothing was touched', 'correct what is marked above'),
    )
  const paths = sources.files.map(({ path }) => resolve(io.cwd, path))
  return { fleet, rollouts, folder: dirname(paths[0] ?? io.cwd), paths }
}

/** The rollout that is meant, and the commit that it is to give. */
export function chosenRollout(
  name: string | undefined,
  options: FleetOptions,
  io: Io,
): { readonly file: FleetFile; readonly spec: RolloutSpec; readonly commit: string } {
  const file = readFleetFile(options, io)
  const spec = rolloutNamed(name, file)
  return { file, spec, commit: commitFor(spec.revision, file) }
}

/** The rollout that is meant: the one that is named, or the only one. */
function rolloutNamed(name: string | undefined, { rollouts }: FleetFile): RolloutSpec {
  const names = rollouts.map((rollout) => rollout.name)
  const found =
    name === undefined && rollouts.length === 1 ? rollouts[0] : rollouts.find((one) => one.name === name)
  if (found !== undefined) return found
  const near = name === undefined ? undefined : nearest(name, names)
  const what = name === undefined ? 'there is more than one rollout, or none' : `there is no rollout ${name}`
  const list = names.length === 0 ? 'write one: kind: Rollout' : `the rollouts are ${names.join(', ')}`
  throw new QstateError(problem('no-rollout', what, near === undefined ? list : `did you mean ${near}?`))
}

/** File with the keys whose signatures count here; null: none is looked at. */
export function allowedSigners(options: FleetOptions, { env, cwd }: Io): string | null {
  const named = options.allowedSigners ?? env['QSTATE_ALLOWED_SIGNERS']
  return named === undefined || named === '' ? null : resolve(cwd, named)
}

/** Where the fleet is in its repository. Fails with QstateError outside of one. */
export function placeOf({ folder, paths }: FleetFile): Place {
  const { gitDir, prefix } = repositoryOf(folder)
  return { gitDir, fleetPaths: paths.map((path) => join(prefix, path.slice(folder.length + 1))) }
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
