import { type Holder, takeLock } from '../../journal/index.ts'
import { isSystemError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'

/**
 * Keeps a host as the only one that does: `work` goes on as long as it does so. `again` says whether to wait for another process that
 * keeps the host. That process where it was not waited for; null: the work is over.
 */
export async function asOnlyAgent(
  folder: string,
  { actor, now }: Pick<Context, 'actor' | 'now'>,
  again: () => Promise<boolean>,
  work: () => Promise<void>,
): Promise<Holder | null> {
  const lock = await takeLock(folder, { who: actor, now: now().toISOString(), again })
  if (lock.kind === 'busy') return lock.holder
  try {
    await work()
    return null
  } finally {
    // The lock of a process that has ended holds nothing; how the work ended is what there is to tell.
    await lock.release().catch((error: unknown) => {
      if (!isSystemError(error)) throw error
    })
  }
}
