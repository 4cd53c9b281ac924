import { claimMark, type MarkContent, readMark, readReverted } from '../../journal/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'
import { type Connection } from '../host/index.ts'
import { liftHold } from './confirmation.ts'
import { withLock } from './lock.ts'
import { revertOverdue, takenBack } from './revert.ts'
import { stopTimer } from './revert-timer.ts'

export type Confirmed = Pick<MarkContent, 'generation' | 'who' | 'at' | 'untried'>

/** An apply under way is not over yet; a timer that has come early needs the lock for a moment only. */
const LOCK_WAIT_MS = 5000

/** Confirms the apply that waits for it, so that it stays. Fails with QstateError where none does, or its time is over. */
export async function confirmApply(connection: Connection, context: Context): Promise<Confirmed> {
  const { stateFolder } = connection
  await requireWaiting(stateFolder)
  return withLock(stateFolder, LOCK_WAIT_MS, context, async (run) => {
    const reverted = await revertOverdue(connection, run, context)
    if (reverted !== null) throw new QstateError(reverted.unfinished ?? takenBack(reverted))
    const mark = await requireWaiting(stateFolder)
    if (!(await claimMark(stateFolder, 'confirmed'))) throw new QstateError(takenBack(mark))
    await liftHold(stateFolder, mark.commit)
    await stopTimer(mark.unit)
    const { generation, who, at, untried } = mark
    return { generation, who, at, untried }
  })
}

async function requireWaiting(folder: string): Promise<MarkContent> {
  const mark = await readMark(folder)
  if (mark?.state === 'waiting') return mark.content
  if (mark !== null) {
    const message = `generation ${mark.content.generation} was not confirmed in time, and is being taken back`
    throw new QstateError(problem('not-confirmed', message, '`qstate history` lists what is done'))
  }
  const reverted = await readReverted(folder)
  if (reverted !== null) throw new QstateError(takenBack(reverted))
  const hint = 'one does after `qstate apply --confirm 5m`; --state-dir names the folder of another user'
  throw new QstateError(problem('nothing-to-confirm', 'no apply waits to be confirmed', hint))
}
