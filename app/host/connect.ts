import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { type SlicStore } from '../../providers/index.ts'
import { type HostNews } from '../../agent/index.ts'
import { safeFolder } from '../../journal/index.ts'
import {
  type Client,
  createClient,
  describeCall,
  detectVersion,
  findTransport,
  QREXEC_CLIENT,
  QUBESD_SOCKET,
  type Transport,
} from '../../qubesd/index.ts'
import { type Host, type HostQube, type ManagedVersion, type QubesVersion } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type DenialRecorder, recordingDenials } from './denials.ts'
import { hostEvents } from './events.ts'
import { requireManaged } from './managed.ts'
import { qubesHost } from './qubesd/index.ts'
import { slicFiles, slicService } from './slic/index.ts'
import { type HostTarget } from './target.ts'

/** A host to plan for, of a version that qstate changes: one that answers, or a snapshot, which has neither lock nor history. */
export interface PlanningHost {
  readonly host: Host
  readonly qubes: readonly HostQube[]
  readonly version: ManagedVersion
  /** Folder of this machine for lock, history and memory of the host. */
  readonly stateFolder: string | null
}

/** A way to one host, on which nothing has been asked yet. */
export interface Connection {
  readonly host: Host
  readonly stateFolder: string
  /** `/` of dom0, or the folder that stands in for it; null where the files of dom0 cannot be seen from here. */
  readonly dom0Root: string | null
  /** What happens on the host, until the signal fires. `pause` waits between attempts to connect. */
  readonly events: (signal: AbortSignal, pause: (ms: number) => Promise<void>) => AsyncIterable<HostNews>
  /** The same way to the host, for what names other tables. */
  readonly withTables: (tables: Tables) => Connection
  /** The version with 4.3 and 4.4 told apart, which takes a call that no plan makes. Fails with QstateError. */
  readonly exactVersion: (qubes: readonly HostQube[]) => Promise<QubesVersion>
  /** The same host for reading alone, without SLIC, and with a memory of what policy denies. */
  readonly recordingDenials: (qubes: readonly HostQube[]) => DenialRecorder
}

/** A host that answers, and its qubes as they were listed: what only reads takes this. */
export interface ConnectedHost extends Connection {
  readonly qubes: readonly HostQube[]
  readonly version: QubesVersion
}

/** The same of a version that qstate changes: whatever plans or writes takes this. */
export interface ManagedHost extends ConnectedHost, PlanningHost {
  readonly version: ManagedVersion
  readonly stateFolder: string
}

/** Bytes of a table from a spec, by its SHA-256. */
export type Tables = (sha256: string) => Buffer | undefined

/** Finds the way to a host. Asks the host nothing. Fails with QstateError where others may write in its state folder. */
export function connect(target: HostTarget, context: Context, tables: Tables = () => undefined): Connection {
  const transport = transportOf(target, context)
  const { onCall } = context
  const client = createClient(transport, {
    concurrency: target.concurrency,
    timeoutMs: target.timeoutMs,
    signal: context.signal,
    // In dom0 the line in a hint is for some management qube: dom0 itself needs none.
    source: transport.kind === 'qrexec' ? context.machine : 'MANAGEMENT-QUBE',
    ...(onCall === undefined
      ? {}
      : {
          onCall: (call, outcome) => {
            onCall({ call: describeCall(call), bytes: call.payload.length, outcome })
          },
        }),
  })
  const root = dom0Root(target, transport)
  return {
    host: qubesHost({
      client,
      slic: slicStore(target, root, client, tables),
      dom0Root: root,
    }),
    stateFolder: safeFolder(target.stateDir, 'hosts', folderName(transport)),
    dom0Root: root,
    events: (signal, pause) => hostEvents(transport, signal, pause),
    withTables: (other) => connect(target, context, other),
    exactVersion: (qubes) => detectVersion(client, qubes),
    recordingDenials: (qubes) => recordingDenials(client, qubes),
  }
}

/** Connects to a host and lists its qubes, to read what is there. */
export const connectHost = (target: HostTarget, context: Context, tables?: Tables): Promise<ConnectedHost> =>
  listQubes(connect(target, context, tables))

/** The same to plan for the host. */
export const connectManaged = (target: HostTarget, context: Context, tables?: Tables): Promise<ManagedHost> =>
  listManaged(connect(target, context, tables))

/** Lists the qubes of a host as they are now, to plan for them or to change them. */
export const listManaged = async (connection: Connection): Promise<ManagedHost> =>
  requireManaged(await listQubes(connection))

async function listQubes(connection: Connection): Promise<ConnectedHost> {
  const { host } = connection
  const qubes = await host.list()
  return { ...connection, qubes, version: host.version(qubes) }
}

function transportOf({ transport }: HostTarget, { machine: hostname }: Context): Transport {
  if (transport === null) return findTransport({ hostname })
  switch (transport.kind) {
    case 'socket':
      return findTransport({ socket: transport.path, hostname })
    case 'qrexec':
      return findTransport({ qrexecClient: transport.client ?? QREXEC_CLIENT, hostname })
    case 'ssh':
      return findTransport({ ssh: transport.destination, hostname })
  }
}

/** A simulator keeps a tree beside its socket (`PATH.dom0`), so that trying qstate never writes into the machine. */
function dom0Root({ slicRoot }: HostTarget, { kind, where }: Transport): string | null {
  if (slicRoot !== null) return slicRoot
  if (kind === 'socket' && existsSync(`${where}.dom0`)) return `${where}.dom0`
  return existsSync(QUBESD_SOCKET) ? '/' : null
}

/** SLIC lives in files of dom0; from a management qube the service of `dom0/` stands before it. */
function slicStore({ slicRoot }: HostTarget, root: string | null, client: Client, tables: Tables): SlicStore {
  if (slicRoot === null && client.transport.kind === 'qrexec') return slicService(client, tables)
  return slicFiles(root ?? '/', tables)
}

/** The same daemon by another name of its socket is the same host. */
function folderName({ kind, where }: Transport): string {
  if (kind === 'qrexec') return 'qrexec'
  return realPath(where)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-/, '')
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
