import {
  fileReceipts,
  generationJournal,
  hasReceipt,
  readBaseline,
  type RunKind,
  writeBaseline,
} from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { applyPlan, baselineAfter, type Plan, type Report } from '../../reconciler/index.ts'
import { type Context } from '../context.ts'
import { type ManagedHost } from '../host/index.ts'
import { type LockedRun } from './lock.ts'

/** Qubes at once, where no person says how many. */
export const PARALLELISM = 4

export interface ExecuteOptions extends LockedRun {
  readonly kind: RunKind
  /** Of a rollback: the generations that it undoes. */
  readonly undoes?: readonly number[]
  readonly parallelism: number
  /** Begins no other qube after one that failed. */
  readonly failFast: boolean
  /** The plan is not fresh: all its guards are looked at before the first write. */
  readonly recheck: boolean
  /** Told of the generation, which is on disk, before the first write. Nothing is written where it fails. */
  readonly begun?: (generation: number) => Promise<void>
}

/** A report, and the generation under which it is remembered; null: nothing was written. */
export type Applied = Report & { readonly generation: number | null }

/** Does what a plan says. The caller holds the lock of the host. */
export async function executePlan(
  plan: Plan,
  { host, qubes, stateFolder }: ManagedHost,
  { kind, undoes, who, at, parallelism, failFast, recheck, begun }: ExecuteOptions,
  { signal, progress, warn }: Context,
): Promise<Applied> {
  const meta = { kind, ...(undoes === undefined ? {} : { undoes }), who, at, pid: process.pid }
  const receipts = fileReceipts(stateFolder, warn)
  const moving = { qubes, stateFolder, warn }
  const journal = generationJournal(stateFolder, meta, async (generation) => {
    await begun?.(generation)
    // Ahead of the writes: what a run that is cut off has taken has to be measured as well.
    await moveBaseline(plan, false, moving)
  })
  const report = await applyPlan(plan, {
    host,
    providers,
    qubes,
    parallelism,
    failFast,
    recheck,
    journal: {
      ...journal,
      async end(done) {
        await receipts.flush()
        await journal.end(done)
      },
    },
    receipts,
    signal,
    onQube: (qube, done, total) => {
      progress({ kind: 'applied', plan, qube, done, total })
    },
  })
  // A plan that asks for consent is applied only where a person has agreed to it.
  const isAgreed = plan.consent !== undefined || kind === 'withdraw'
  if (isAgreed && report.qubes.some(({ touched }) => touched)) await moveBaseline(plan, true, moving)
  return { ...report, generation: journal.generation() }
}

/** What later withdrawals are measured against: it grows with what is taken, and a consent is a new start. */
async function moveBaseline(
  plan: Plan,
  agreed: boolean,
  { qubes, stateFolder, warn }: Pick<ManagedHost, 'qubes' | 'stateFolder'> & Pick<Context, 'warn'>,
): Promise<void> {
  const before = await readBaseline(stateFolder, warn)
  const onHost = new Set(qubes.map(({ uuid }) => uuid))
  // A qube that is gone and has a receipt may come back under another name (`moved`).
  const kept = (uuid: string): boolean =>
    onHost.has(null) || onHost.has(uuid) || hasReceipt(stateFolder, uuid)
  const uuids = new Set(Object.keys(before).filter(kept))
  const after = baselineAfter(before, plan, { agreed, uuids })
  if (JSON.stringify(after) !== JSON.stringify(before)) await writeBaseline(stateFolder, after)
}

/** Applies a fresh plan without asking anyone. The caller holds the lock of the host. */
export const applyUnattended = (
  plan: Plan,
  host: ManagedHost,
  run: LockedRun & { readonly kind: 'agent' | 'rollout' },
  context: Context,
): Promise<Applied> =>
  executePlan(plan, host, { ...run, parallelism: PARALLELISM, failFast: false, recheck: false }, context)
