import { type Holder } from '../../documents/host/index.ts'
import { takeLock } from '../../journal/index.ts'
import { problem, QstateError, utcMinute } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'

export interface LockedRun {
  readonly who: string
  /** ISO 8601. */
  readonly at: string
}

export interface Busy {
  readonly kind: 'busy'
  readonly holder: Holder
}

const AGAIN_MS = 100

/**
 * Does some work with the lock of a host held, so that no other run writes meanwhile; or says who holds it. `waitMs`: how long
 * another run is waited for.
 */
export async function tryWithLock<T>(
  folder: string,
  { waitMs, who }: { readonly waitMs: number; readonly who: string },
  context: Pick<Context, 'now' | 'pause' | 'progress' | 'signal'>,
  work: (run: LockedRun) => Promise<T>,
): Promise<T | Busy> {
  const begun = context.now()
  const at = begun.toISOString()
  let told = false
  const lock = await takeLock(folder, {
    who,
    now: at,
    async again(holder) {
      if (context.now().getTime() - begun.getTime() >= waitMs || context.signal.aborted) return false
      if (!told) context.progress({ kind: 'waiting-for-lock', holder })
      told = true
      await context.pause(AGAIN_MS)
      return true
    },
  })
  if (lock.kind === 'busy') return lock
  try {
    return await work({ who, at })
  } finally {
    await lock.release()
  }
}

/** The same where a busy host is the end of it. */
export async function withLock<T>(
  folder: string,
  waitMs: number,
  context: Context,
  work: (run: LockedRun) => Promise<T>,
): Promise<T> {
  const done = await tryWithLock(folder, { waitMs, who: context.actor }, context, async (run) => ({
    kind: 'done' as const,
    value: await work(run),
  }))
  if (done.kind === 'done') return done.value
  const { who, pid, since } = done.holder
  throw new QstateError(
    problem(
      'locked',
      `host is locked by another run: ${who}, process ${pid}, since ${utcMinute(since)}`,
      'wait for it (--lock-timeout SECONDS), or see what it does',
    ),
  )
}
