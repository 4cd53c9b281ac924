import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentHost, type Clock, type CommittedSpec, type RestartCare } from '../../agent/index.ts'
import { readMark, readReverted } from '../../journal/index.ts'
import { type Plan, startQube } from '../../reconciler/index.ts'
import {
  applyUnattended,
  PARALLELISM,
  type RestartOptions,
  restartPending,
  tryWithLock,
} from '../apply/index.ts'
import { type Context } from '../context.ts'
import { type Connection, listManaged, type Tables } from '../host/index.ts'
import { writeOutputFile } from '../output-file.ts'
import { planSpec, writePlanFile } from '../plan/index.ts'
import { sourcesOf } from '../source/index.ts'
import { confirmationOf } from './confirmation.ts'
import { reattachLost } from './reattach.ts'

export interface AgentHostOptions {
  readonly connection: Connection
  readonly tables: CurrentTables
  /** Where a plan is saved for a person. */
  readonly folder: string
  /** Under which the journal remembers applies. */
  readonly kind: 'agent' | 'rollout'
  readonly restartTimeoutMs: number
  readonly clock: Clock
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

/** A host as the loop needs it, made of the same use cases that a person runs. `context.actor` is who applies. */
export function agentHost(options: AgentHostOptions, context: Context): AgentHost {
  const { connection, tables, folder, kind, restartTimeoutMs, clock } = options
  const { stateFolder } = connection
  const isUnconfirmed = async (commit: string | null): Promise<boolean> =>
    (await readMark(stateFolder)) !== null ||
    (commit !== null && (await readReverted(stateFolder))?.commit === commit)
  return {
    where: connection.host.where,
    async plan(spec, selects, withdrawsUnmatched = () => false) {
      tables.use(spec)
      const loaded = { sources: sourcesOf(spec.revision), manifest: spec.manifest }
      const settings = {
        targets: selects,
        parallelism: PARALLELISM,
        explain: 'no',
        withdrawsUnmatched,
      } as const
      return planSpec(loaded, await listManaged(connection), settings, context)
    },
    async apply(spec, plan, mayStill) {
      tables.use(spec)
      const done = await tryWithLock(stateFolder, lockOf(context), context, async (run) => {
        if ((await isUnconfirmed(spec.commit)) || !(await mayStill())) return { kind: 'held' as const }
        const applied = await applyUnattended(plan, await listManaged(connection), { ...run, kind }, context)
        const { generation, ...report } = applied
        return { kind: 'applied' as const, report, generation }
      })
      return done.kind === 'busy' ? { kind: 'busy', who: done.holder.who } : done
    },
    reattach(spec, plan, care) {
      const ifFree = async <T>(run: () => Promise<T>): Promise<T | undefined> => {
        const asked = await tryWithLock(stateFolder, lockOf(context), context, async () => {
          if ((await isUnconfirmed(spec.commit)) || !(await care.mayStill())) return { kind: 'held' as const }
          return { kind: 'done' as const, result: await run() }
        })
        return asked.kind === 'done' ? asked.result : undefined
      }
      return reattachLost(spec, plan, care, { connection, ifFree }, context)
    },
    confirmation: () => confirmationOf(connection, context),
    async restart(plan, report, care) {
      const { commit } = plan.spec
      const mayStill = async (): Promise<boolean> => !(await isUnconfirmed(commit)) && care.mayStill()
      const settings = restartOptions({ ...care, mayStill }, stateFolder, restartTimeoutMs, context)
      for (const qube of plan.qubes) {
        if (context.signal.aborted || !care.may(qube.qube)) continue
        const only = { ...plan, qubes: [qube] }
        const restarts = await restartPending(only, report, await listManaged(connection), settings, context)
        for (const one of restarts) if (one.error?.code !== 'held') care.tell(one)
      }
    },
    start: (qube) =>
      startQube(qube, {
        // Only ever after a plan, which there is none of for a host that is not to be changed.
        host: connection.host,
        signal: context.signal,
        patience: Math.ceil(restartTimeoutMs / 1000),
        tick: () => context.pause(1000),
        onProgress: () => undefined,
      }),
    save: (spec, plan) => saveProposal(spec, plan, folder),
    events: (signal) => connection.events(signal, (ms) => clock.sleep(ms, signal)),
  }
}

/** Another run is not waited for: the loop tries again. */
const lockOf = ({ actor }: Context): { readonly waitMs: number; readonly who: string } => ({
  waitMs: 0,
  who: actor,
})

/** The lock is held for the question and the call, not for the minutes that a shutdown takes. */
function restartOptions(
  { mayStill, intend }: RestartCare,
  stateFolder: string,
  timeoutMs: number,
  context: Context,
): RestartOptions {
  return {
    policy: null,
    timeoutMs,
    kill: false,
    ask: null,
    async ifStill(qube, shutDown) {
      const asked = await tryWithLock(stateFolder, lockOf(context), context, async () => {
        if (!(await mayStill())) return { kind: 'held' as const }
        await intend(qube)
        await shutDown()
        return { kind: 'requested' as const }
      })
      return asked.kind === 'requested'
    },
  }
}

/** Tables are kept beside the plan: when a person applies it, they are looked for there. */
async function saveProposal(spec: CommittedSpec, plan: Plan, folder: string): Promise<string> {
  const tables = join(folder, 'tables')
  const path = join(folder, 'proposed.json')
  await mkdir(tables, { recursive: true, mode: 0o700 })
  const kept = [...spec.manifest.tables].map(([sha256, bytes]) => {
    const path = join(tables, sha256)
    writeOutputFile({ path, cwd: folder, text: bytes, mode: 0o600 })
    return [sha256, path] as const
  })
  writePlanFile(path, { ...plan, tables: Object.fromEntries(kept) }, folder)
  return path
}
