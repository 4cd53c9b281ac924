import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AgentHost,
  type CommittedSpec,
  type HostNews,
  type RestartCare,
  type Selects,
} from '../../agent/index.ts'
import { type Io } from '../../cli/io.ts'
import { type GlobalOptions } from '../../cli/options.ts'
import { daemonEvents, type EventOrGap, QubesdError } from '../../qubesd/index.ts'
import { type Plan, startQube } from '../../reconciler/index.ts'
import {
  alone,
  applyUnasked,
  PARALLELISM,
  type RestartOptions,
  restartWaiting,
  writePlanFile,
} from '../apply/index.ts'
import {
  type Connection,
  listManaged,
  type ManagedSession,
  planSpec,
  stateFolder,
  type Tables,
} from '../host/index.ts'
import { sourcesOf } from '../source/index.ts'

export interface AgentHostOptions {
  readonly global: GlobalOptions
  readonly io: Io
  readonly connection: Connection
  /** Seconds. */
  readonly restartTimeout: number
  readonly sleep: (ms: number) => Promise<void>
}

/** Tables of the spec that is being worked on. */
export interface CurrentTables {
  readonly tables: Tables
  use(spec: CommittedSpec): void
}

export function currentTables(): CurrentTables {
  let current: ReadonlyMap<string, Buffer> = new Map()
  return {
    tables: (sha256) => current.get(sha256),
    use: ({ manifest }) => {
      current = manifest.tables
    },
  }
}

/** A host as the agent needs it, made of what the commands do. */
export function agentHost(tables: CurrentTables, options: AgentHostOptions): AgentHost {
  const { global, io, connection } = options
  const folder = stateFolder(global, io, connection)
  const session = (): Promise<ManagedSession> => listManaged(connection)
  return {
    where: connection.host.where,
    async plan(spec, selects) {
      tables.use(spec)
      return planFor(spec, await session(), selects, options)
    },
    async apply(spec, plan, mayStill) {
      tables.use(spec)
      return alone(folder, whoOf(io), io, async (run) => {
        if (!(await mayStill())) return { kind: 'held' as const }
        const done = await applyUnasked(plan, await session(), { folder, kind: 'agent', ...run }, io)
        return { kind: 'applied' as const, ...done }
      })
    },
    async restart(plan, report, care) {
      for (const qube of plan.qubes) {
        if (io.signal.aborted || !care.may(qube.qube)) continue
        const only = { ...plan, qubes: [qube] }
        const settings = restartOptions(care, folder, options)
        const told = await restartWaiting(only, report, await session(), settings, io)
        for (const one of told) if (one.error?.code !== 'held') care.tell(one)
      }
    },
    start: (qube) =>
      startQube(qube, {
        // Only ever after a plan, which there is none of for a host that is not to be changed.
        host: connection.host,
        signal: io.signal,
        patience: options.restartTimeout,
        tick: () => io.pause(1000),
        onProgress: () => undefined,
      }),
    save: (spec, plan) => saveProposal(spec, plan, join(folder, 'agent'), io),
    events: (signal) => hostNews(connection, signal, options.sleep),
  }
}

function planFor(
  spec: CommittedSpec,
  session: ManagedSession,
  selects: Selects,
  { global, io }: AgentHostOptions,
): Promise<Plan> {
  const loaded = { sources: sourcesOf(spec.revision), manifest: spec.manifest }
  return planSpec(
    loaded,
    session,
    { ...global, parallelism: String(PARALLELISM), selects, explain: false },
    io,
  )
}

const whoOf = ({ hostname }: Io): string => `agent@${hostname}`

/** The lock is held for the question and the call, not for the minutes that a shutdown takes. */
function restartOptions(
  { mayStill, intend }: RestartCare,
  folder: string,
  { global, io, restartTimeout }: AgentHostOptions,
): GlobalOptions & RestartOptions {
  const ifStill: RestartOptions['ifStill'] = async (qube, shutDown) => {
    const asked = await alone(folder, whoOf(io), io, async () => {
      if (!(await mayStill())) return false
      await intend(qube)
      await shutDown()
      return true
    })
    return asked === true
  }
  return { ...global, restartTimeout: String(restartTimeout), ifStill }
}

/** Tables are kept beside the plan: when a person applies it, they are looked for there. */
async function saveProposal(spec: CommittedSpec, plan: Plan, folder: string, io: Io): Promise<string> {
  const tables = join(folder, 'tables')
  const path = join(folder, 'proposed.json')
  await mkdir(tables, { recursive: true, mode: 0o700 })
  const kept = await Promise.all(
    [...spec.manifest.tables].map(async ([sha256, bytes]) => {
      const file = join(tables, sha256)
      await writeFile(file, bytes, { mode: 0o600 })
      return [sha256, file] as const
    }),
  )
  writePlanFile(path, { ...plan, tables: Object.fromEntries(kept) }, io)
  return path
}

const LONGEST_PAUSE_MS = 30_000
const REFUSED_PAUSE_MS = 10 * 60_000

async function* hostNews(
  { client }: Connection,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void>,
): AsyncIterable<HostNews> {
  const pause = (attempt: number): Promise<void> =>
    sleep(Math.min(250 * 2 ** (attempt - 1), LONGEST_PAUSE_MS))
  while (!signal.aborted) {
    try {
      for await (const news of daemonEvents(client.transport, { signal, pause })) yield newsOf(news)
    } catch (error) {
      if (!(error instanceof QubesdError)) throw error
      yield { kind: 'refused', problem: error.problem }
      await sleep(REFUSED_PAUSE_MS)
    }
  }
}

function newsOf(news: EventOrGap): HostNews {
  if (news.kind === 'gap') return { kind: 'lost', problem: news.error.problem }
  const { event } = news
  return event.name === 'connection-established' ? { kind: 'connected' } : { kind: 'event', event }
}
