import { resolve } from 'node:path'
import { generationJournal, takeLock } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import {
  applyPlan,
  exitCodeOf,
  EXIT,
  type Plan,
  planIsBlocked,
  planIsEmpty,
  type Report,
} from '../../reconciler/index.ts'
import { type Reach } from '../../spec/fleet/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import {
  connect,
  listQubes,
  type LoadedSpec,
  openSession,
  planSpec,
  stateFolder,
  tablesOf,
} from '../session.ts'

/** One host, reached from here. */
export interface HostWay {
  readonly options: GlobalOptions
  /** It talks to nobody. */
  readonly io: Io
}

const PARALLELISM = '4'

/** The way to a host; `agent` is the host that this runs on. State is kept apart for each. Paths are from the fleet's folder. */
export function wayTo(
  reach: Reach,
  { folder, stateDir }: { readonly folder: string; readonly stateDir: string | null },
  options: GlobalOptions,
  io: Io,
): HostWay {
  const quiet: Io = { ...io, err: () => undefined, errIsTerminal: false }
  const own = stateDir === null ? options : { ...options, stateDir }
  switch (reach.kind) {
    case 'agent':
      return { options: own, io: quiet }
    case 'socket':
      return { options: { ...own, socket: resolve(folder, reach.to) }, io: quiet }
    case 'qrexec':
      return { options: { ...own, qrexecClient: resolve(folder, reach.to) }, io: quiet }
    case 'ssh':
      return { options: { ...own, ssh: reach.to }, io: quiet }
  }
}

export interface Comparison {
  readonly plan: Plan
  /** Names of the qubes that run. */
  readonly running: ReadonlySet<string>
  readonly qubes: ReadonlySet<string>
}

/** What the spec would change on the host now. Writes nothing. */
export async function compareHost(spec: LoadedSpec, { options, io }: HostWay): Promise<Comparison> {
  const session = await openSession(options, io, tablesOf(spec))
  const plan = await planSpec(spec, session, { ...options, parallelism: PARALLELISM }, io)
  const runs = session.qubes.filter(({ state }) => state === 'Running')
  return {
    plan,
    running: new Set(runs.map(({ name }) => name)),
    qubes: new Set(session.qubes.map(({ name }) => name)),
  }
}

export type HostApplied =
  | { readonly kind: 'busy'; readonly who: string }
  | {
      readonly kind: 'applied'
      readonly isGood: boolean
      readonly plan: Plan
      readonly report: Report | null
      readonly generation: number | null
    }

/** Brings the host to what the spec says, as `qstate apply --yes` does. */
export async function applyToHost(
  spec: LoadedSpec,
  { options, io }: HostWay,
  who: string,
): Promise<HostApplied> {
  const connection = await connect(options, io, tablesOf(spec))
  const folder = stateFolder(options, io, connection)
  const at = io.now().toISOString()
  const lock = await takeLock(folder, { who, now: at, again: () => Promise.resolve(false) })
  if (lock.kind === 'busy') return { kind: 'busy', who: lock.holder.who }
  try {
    const session = await listQubes(connection)
    const plan = await planSpec(spec, session, { ...options, parallelism: PARALLELISM }, io)
    if (planIsEmpty(plan))
      return { kind: 'applied', isGood: !planIsBlocked(plan), plan, report: null, generation: null }
    let generation: number | null = null
    const report = await applyPlan(plan, {
      host: session.host,
      providers,
      qubes: session.qubes,
      parallelism: Number(PARALLELISM),
      failFast: false,
      recheck: false,
      journal: generationJournal(folder, { kind: 'rollout', who, at, pid: process.pid }, (number) => {
        generation = number
      }),
      signal: io.signal,
    })
    return { kind: 'applied', isGood: exitCodeOf(report) === EXIT.done, plan, report, generation }
  } finally {
    await lock.release()
  }
}
