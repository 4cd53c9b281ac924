import { existsSync, realpathSync } from 'node:fs'
import { join, resolve as resolvePath } from 'node:path'
import { type Io } from '../../cli/io.ts'
import { makeLog } from '../../cli/log.ts'
import { type GlobalOptions, wantsColor, wholeNumber } from '../../cli/options.ts'
import { plural } from '../../cli/views/style.ts'
import { providers, type SlicStore } from '../../providers/index.ts'
import { type Client, createClient, describeCall, findTransport, QUBESD_SOCKET } from '../../qubesd/index.ts'
import {
  type Host,
  type HostQube,
  makePlan,
  type ManagedVersion,
  mapLimited,
  type Plan,
  type PlanContext,
  type QubesVersion,
} from '../../reconciler/index.ts'
import {
  type Diagnostic,
  formatDiagnostics,
  nearest,
  problem,
  QstateError,
} from '../../spec/diagnostics/index.ts'
import { type DesiredState, type HostFacts, loadManifest, type Manifest, resolve } from '../../spec/index.ts'
import { tagsOf, targetFilter, unfinishedChanges } from '../apply/index.ts'
import { readSources, type Sources } from '../source/index.ts'
import { qubesHost } from './qubesd/index.ts'
import { slicFiles, slicService } from './slic/index.ts'
import { requireManaged } from './managed.ts'

/** A host to plan for: one that answers, or one that was recorded, which has neither daemon nor history. */
export interface PlanningHost {
  readonly client: Client | null
  readonly host: Host
  readonly qubes: readonly HostQube[]
  readonly version: ManagedVersion
}

/** A way to one host, on which nothing has been asked yet. */
export interface Connection {
  readonly client: Client
  readonly host: Host
}

/** One host, and its qubes as they were listed: what reads takes this. */
export interface Session extends Connection {
  readonly qubes: readonly HostQube[]
  readonly version: QubesVersion
}

/** The same of a version that qstate changes: whatever plans or writes takes this. */
export interface ManagedSession extends Session, PlanningHost {
  readonly client: Client
  readonly version: ManagedVersion
}

/** Bytes of a table from the spec, by its SHA-256. */
export type Tables = (sha256: string) => Buffer | undefined

/** Finds qubesd. */
export async function connect(
  options: GlobalOptions,
  io: Io,
  tables: Tables = () => undefined,
): Promise<Connection> {
  const client = await makeClient(options, io)
  return { client, host: qubesHost({ client, slic: slicStore(options, io, client, tables) }) }
}

/** Finds qubesd and lists the host's qubes, to read what is there. */
export async function openSession(options: GlobalOptions, io: Io, tables?: Tables): Promise<Session> {
  return listHost(await connect(options, io, tables))
}

/** The same to plan for the host. */
export async function openManaged(options: GlobalOptions, io: Io, tables?: Tables): Promise<ManagedSession> {
  return listManaged(await connect(options, io, tables))
}

/** Lists the host's qubes to plan for them or to change them: what is there now, whatever an earlier listing said. */
export async function listManaged(connection: Connection): Promise<ManagedSession> {
  return requireManaged(await listHost(connection))
}

async function listHost({ client, host }: Connection): Promise<Session> {
  const qubes = await host.list()
  return { client, host, qubes, version: host.version(qubes) }
}

export async function makeClient(options: GlobalOptions, io: Io): Promise<Client> {
  const transport = findTransport({
    socket: options.socket ?? (isNamed(options) ? undefined : nonEmpty(io.env['QSTATE_SOCKET'])),
    qrexecClient: options.qrexecClient ?? nonEmpty(io.env['QSTATE_QREXEC_CLIENT']),
    ssh: options.ssh,
    hostname: io.hostname,
  })
  const log = await makeLog(options, io)
  return createClient(transport, {
    concurrency: wholeNumber(options.concurrency, '--concurrency', 1, 64),
    timeoutMs: wholeNumber(options.timeout, '--timeout', 1, 86_400) * 1000,
    signal: io.signal,
    // In dom0 the line in a hint is for some management qube: dom0 itself needs none.
    source: transport.kind === 'qrexec' ? io.hostname : 'MANAGEMENT-QUBE',
    ...(log === undefined && options.onCall === undefined
      ? {}
      : {
          onCall: (call, outcome) => {
            log?.call(call, outcome)
            options.onCall?.(describeCall(call), outcome)
          },
        }),
  })
}

/**
 * SLIC lives in files of dom0. In dom0 that is `/`, and from a management qube the service of `dom0/` stands before it;
 * a simulator keeps a tree beside its socket (`PATH.dom0`), so that trying qstate never writes into the machine.
 */
function slicStore(options: GlobalOptions, io: Io, client: Client, tables: Tables): SlicStore {
  const named = options.dom0Root ?? nonEmpty(io.env['QSTATE_DOM0_ROOT'])
  if (named !== undefined) return slicFiles(named, tables)
  const { kind, where } = client.transport
  if (kind === 'qrexec') return slicService(client, tables)
  if (where === QUBESD_SOCKET) return slicFiles('/', tables)
  return slicFiles(existsSync(`${where}.dom0`) ? `${where}.dom0` : '/', tables)
}

export interface LoadedSpec {
  readonly sources: Sources
  readonly manifest: Manifest
}

/** Reads and validates a spec. Warnings go to stderr; an error ends the command before anything else is done. */
export function loadSpec(paths: readonly string[], options: GlobalOptions, io: Io): LoadedSpec {
  return loadSources(readSources(paths.length > 0 ? paths : (options.config ?? []), io), options, io)
}

/** The same of files that have been read already, wherever they came from. */
export function loadSources(sources: Sources, options: GlobalOptions, io: Io): LoadedSpec {
  const { manifest, diagnostics } = loadManifest(sources.files, sources)
  tellDiagnostics(diagnostics, sources, options, io)
  if (manifest === null) throw invalidSpec(diagnostics)
  return { sources, manifest }
}

function invalidSpec(diagnostics: readonly Diagnostic[]): QstateError {
  const errors = diagnostics.filter((d) => d.severity === 'error').length
  const message = `${plural(errors, 'error')} in the spec: nothing was touched`
  return new QstateError(problem('invalid-spec', message, 'correct what is marked above'), { diagnostics })
}

export function tellDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: Pick<Sources, 'files'>,
  options: GlobalOptions,
  io: Io,
): void {
  if (diagnostics.length === 0) return
  const color = wantsColor(options, io, io.errIsTerminal)
  io.err(`${formatDiagnostics(diagnostics, sources.files, { color, width: io.columns }).trimEnd()}\n\n`)
}

/** Selectors applied to the qubes of the host, with as few questions as they need: without selectors there need be no host. */
export async function resolveSpec(
  spec: LoadedSpec,
  session: Pick<PlanningHost, 'host' | 'qubes'> | null,
  options: GlobalOptions,
  io: Io,
): Promise<DesiredState> {
  const facts = await hostFacts(spec.manifest, session, io)
  const { desired, diagnostics } = resolve(spec.manifest, facts)
  tellDiagnostics(diagnostics, spec.sources, options, io)
  if (desired === null) throw invalidSpec(diagnostics)
  return desired
}

async function hostFacts(
  manifest: Manifest,
  session: Pick<PlanningHost, 'host' | 'qubes'> | null,
  io: Io,
): Promise<HostFacts> {
  if (!manifest.selects.needsHost || session === null) return { qubes: [] }
  const qubes = session.qubes.filter((qube) => qube.klass !== 'AdminVM')
  const withTags = await mapLimited(qubes, 8, async ({ name, klass }) => ({
    name,
    klass,
    ...(await tagsOf(name, manifest.selects.tags, session, io)),
  }))
  return { qubes: withTags }
}

export interface PlanOptions {
  readonly target?: string[]
  readonly parallelism: string
  /** Instead of targets, where it is a program that plans. */
  readonly selects?: (qube: string, path: string) => boolean
  readonly explain?: boolean
  /** Nobody is asked. */
  readonly yes?: boolean
}

/** The plan for a spec on a host. */
export async function planSpec(
  spec: LoadedSpec,
  session: PlanningHost,
  options: GlobalOptions & PlanOptions,
  io: Io,
  mode: 'apply' | 'adopt' = 'apply',
): Promise<Plan> {
  // Git runs while the rest goes on.
  const [commit, desired] = await Promise.all([
    spec.sources.commit(),
    resolveSpec(spec, session, options, io),
  ])
  const selects =
    options.selects ?? (await targetFilter(options.target ?? [], desired.qubes.keys(), session, io))
  const plan = await makePlan(desired, {
    host: session.host,
    providers,
    qubes: session.qubes,
    version: session.version,
    now: io.now().toISOString(),
    commit,
    mode,
    explains: explains(options, session),
    unfinished: unfinishedOf(session, options, io),
    selects,
    parallelism: wholeNumber(options.parallelism, '--parallelism', 1, 64),
    onQube: progress('planning', options, io),
  })
  return { ...plan, tables: Object.fromEntries(spec.sources.tablePaths) }
}

/** Read at the first qube that is not as wanted. */
function unfinishedOf(
  { client }: PlanningHost,
  options: GlobalOptions,
  io: Io,
): NonNullable<PlanContext['unfinished']> {
  let read: ReturnType<typeof unfinishedChanges> | undefined
  return () =>
    (read ??=
      client === null
        ? Promise.resolve(() => undefined)
        : unfinishedChanges(stateFolder(options, io, { client })))
}

/** For someone who reads the plan. From a management qube only where it is asked for: its policy is as small as can be. */
const explains = ({ explain, yes }: PlanOptions, { client }: PlanningHost): boolean =>
  explain ?? (yes !== true && client?.transport.kind !== 'qrexec')

/** Where tables of a spec are found again when its plan is applied later. */
export const tablesOf =
  (spec: LoadedSpec): Tables =>
  (sha256) =>
    spec.manifest.tables.get(sha256)

/** A line that is written over, on a terminal and with enough qubes to be worth it. */
export function progress(
  verb: string,
  options: GlobalOptions,
  io: Io,
): (done: number, total: number) => void {
  if (!io.errIsTerminal || options.json === true || options.verbose === true) return () => undefined
  return (done, total) => {
    if (total < 8) return
    io.err(done === total ? '\r\u001b[K' : `\r\u001b[K${verb} ${done} of ${total} qubes …`)
  }
}

/** Folder that keeps whatever is kept on this machine. */
export function stateBase(options: GlobalOptions, io: Io): string {
  const home = io.env['HOME'] ?? '/'
  return (
    options.stateDir ??
    nonEmpty(io.env['QSTATE_STATE_DIR']) ??
    (io.username === 'root'
      ? '/var/lib/qstate'
      : join(nonEmpty(io.env['XDG_STATE_HOME']) ?? join(home, '.local/state'), 'qstate'))
  )
}

/** Folder that keeps lock and history of a host on this machine. */
export function stateFolder(options: GlobalOptions, io: Io, session: { readonly client: Client }): string {
  const base = stateBase(options, io)
  const { kind, where } = session.client.transport
  const slug =
    kind === 'qrexec'
      ? 'qrexec'
      : realPath(where)
          .replace(/[^A-Za-z0-9._-]+/g, '-')
          .replace(/^-/, '')
  return join(base, 'hosts', slug)
}

/** The same daemon by another name of its socket is the same host. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolvePath(path)
  }
}

/** A host that is named is not another one that the environment names. */
const isNamed = ({ ssh, qrexecClient }: GlobalOptions): boolean =>
  ssh !== undefined || qrexecClient !== undefined

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** What to try instead of a qube that is not there. */
export function nearestQube(name: string, session: Session): string {
  const names = session.qubes.filter((qube) => qube.klass !== 'AdminVM').map((qube) => qube.name)
  const near = nearest(name, names)
  if (near !== undefined) return `did you mean ${near}?`
  if (names.length === 0) return 'this host has no qubes'
  return `the qubes here are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}`
}
