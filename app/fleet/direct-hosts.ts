import { resolve } from 'node:path'
import { orderedSource, type Source } from '../../agent/index.ts'
import { type ConsentTrust } from '../../fleet/index.ts'
import { type CommitStore, openClone } from '../../git/index.ts'
import { fleetLayout } from '../../git/layout/index.ts'
import { type FleetHost, type Reach } from '../../spec/fleet/index.ts'
import { type HostTarget, type HostTransport } from '../host/index.ts'
import { type FleetFile, repositoryOfFleet } from './fleet-file.ts'
import { fleetFolder } from './open-store.ts'

/** A host without an agent, which is reached from here. */
export interface DirectHost {
  readonly name: string
  /** Its state is kept apart from that of others. */
  readonly target: HostTarget
  /** The repository that the fleet is in here, as its commits are judged for this host. */
  readonly source: Source
  /** Files of the fleet, from the root of that repository. */
  readonly paths: readonly string[]
  /** Where this machine keeps what it knows of the host. */
  readonly folder: string
}

/** Those of some hosts that have no agent. */
export function directHosts(hosts: Iterable<FleetHost>, file: FleetFile): readonly DirectHost[] {
  const direct = [...hosts].flatMap(({ name, reach }) => (reach.kind === 'agent' ? [] : [{ name, reach }]))
  if (direct.length === 0) return []
  const { gitDir, files } = repositoryOfFleet(file)
  const clone = openClone(gitDir)
  return direct.map(({ name, reach }) => {
    const folder = fleetFolder(file, 'members', name)
    const transport = transportOf(reach, file)
    return {
      name,
      target: { ...file.target, transport, stateDir: folder },
      source: sourceFor(name, files, clone, file),
      paths: files,
      folder,
    }
  })
}

/** The operator of this machine keeps these hosts: consent of those whom the fleet's file here puts in charge is enough. */
export const directTrust = ({ fleet: { name, servers, controllers } }: FleetFile): ConsentTrust => ({
  fleet: name,
  keys: servers === null ? null : controllers,
})

type DirectReach = Exclude<Reach, { readonly kind: 'agent' }>

/** Paths are from the fleet's folder. A program is none of a repository's to name: it is the operator's, or the one of Qubes. */
function transportOf(reach: DirectReach, { folder, target }: FleetFile): HostTransport {
  switch (reach.kind) {
    case 'socket':
      return { kind: 'socket', path: resolve(folder, reach.to) }
    case 'qrexec':
      return target.transport?.kind === 'qrexec' ? target.transport : { kind: 'qrexec', client: null }
    case 'ssh':
      return { kind: 'ssh', destination: reach.to }
  }
}

/**
 * Commits of the fleet's own repository, judged by the keys that this machine trusts. The operator of this machine may name
 * any revision: it need not come after the active one, and its signer vouches for what came before.
 */
function sourceFor(
  host: string,
  files: readonly string[],
  clone: CommitStore,
  { allowedSigners }: FleetFile,
): Source {
  const source = orderedSource(clone, {
    trust: allowedSigners === null ? { by: 'none' } : { by: 'ssh', allowedSigners, revoked: null },
    commits: 'tip',
    layout: fleetLayout({ files, host }),
  })
  return {
    ...source,
    look: (look, signal) => {
      const ordered = look.ordered === null ? null : { ...look.ordered, back: true }
      return source.look({ ...look, ordered }, signal)
    },
  }
}
