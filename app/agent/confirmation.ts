import { type Confirmation } from '../../agent/index.ts'
import { readMark, readReverted } from '../../journal/index.ts'
import { type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { revertOverdue, secondsLeft, takenBack, tryWithLock, untilOf } from '../apply/index.ts'
import { type Context } from '../context.ts'
import { type Connection } from '../host/index.ts'

/** What an apply that is not confirmed lets an agent do. One that is overdue is taken back first, unless another run is at work. */
export async function confirmationOf(connection: Connection, context: Context): Promise<Confirmation> {
  const folder = connection.stateFolder
  try {
    let problem: Problem | null = null
    let mark = await readMark(folder)
    if (mark !== null && (await secondsLeft(mark)) === 0) {
      problem = await revertNow(connection, context)
      mark = await readMark(folder)
    }
    const left = mark === null ? 0 : await secondsLeft(mark)
    const until = left > 0 ? untilOf(left, context.now()).toISOString() : null
    const reverted = await readReverted(folder)
    return { waiting: mark === null ? null : { until }, notConfirmed: reverted?.commit ?? null, problem }
  } catch (error) {
    // What the mark is about is not known, or the host cannot be asked: nothing is done then.
    if (!(error instanceof QstateError)) throw error
    return { waiting: { until: null }, notConfirmed: null, problem: error.problem }
  }
}

async function revertNow(connection: Connection, context: Context): Promise<Problem | null> {
  const lock = { waitMs: 0, who: context.actor }
  const done = await tryWithLock(connection.stateFolder, lock, context, async (run) => ({
    kind: 'done' as const,
    reverted: await revertOverdue(connection, run, context),
  }))
  if (done.kind === 'busy' || done.reverted === null) return null
  return done.reverted.unfinished ?? takenBack(done.reverted)
}
