import { type Io } from '../../cli/io.ts'
import { generationJournal, takeLock } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { applyPlan, type Plan, type Report } from '../../reconciler/index.ts'
import { type ManagedSession } from '../host/index.ts'

export interface LockedRun {
  readonly who: string
  /** ISO 8601. */
  readonly at: string
}

/** Some work with the host's lock held, nobody else being at work meanwhile; or who is, which is not waited for. */
export async function alone<T>(
  folder: string,
  who: string,
  io: Io,
  work: (run: LockedRun) => Promise<T>,
): Promise<T | { readonly kind: 'busy'; readonly who: string }> {
  const at = io.now().toISOString()
  const lock = await takeLock(folder, { who, now: at, again: () => Promise.resolve(false) })
  if (lock.kind === 'busy') return { kind: 'busy', who: lock.holder.who }
  try {
    return await work({ who, at })
  } finally {
    await lock.release()
  }
}

/** Qubes at once, where a program applies and no person says how many. */
export const PARALLELISM = 4

/** Does what a fresh plan says, with nobody to ask, and the lock of the folder held. `generation` null: nothing was begun. */
export async function applyUnasked(
  plan: Plan,
  { host, qubes }: ManagedSession,
  { folder, ...meta }: LockedRun & { readonly folder: string; readonly kind: 'agent' | 'rollout' },
  io: Io,
): Promise<{ readonly report: Report; readonly generation: number | null }> {
  let generation: number | null = null
  const report = await applyPlan(plan, {
    host,
    providers,
    qubes,
    parallelism: PARALLELISM,
    failFast: false,
    recheck: false,
    journal: generationJournal(folder, { ...meta, pid: process.pid }, (number) => {
      generation = number
    }),
    signal: io.signal,
  })
  return { report, generation }
}
