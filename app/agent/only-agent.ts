import { type Holder } from '../../documents/host/index.ts'
import { takeLock } from '../../journal/index.ts'
import { isSystemError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'

/**
 * Does `work` as the only process that keeps a host. `again` says whether to wait while another process keeps it. Returns that process
 * where it was not waited for, and null once the work is done.
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
