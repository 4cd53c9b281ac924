import { isFinished, lockHolder, numbers, readGeneration } from '../../journal/index.ts'
import { problem, utcMinute } from '../../spec/diagnostics/index.ts'
import { type Context } from '../context.ts'

/**
 * Warns when the last apply was cut off: what it had done stands, and this run goes on from there. One that is at work is not
 * cut off; `holdsLock`: the caller holds the lock, and so knows that there is none.
 */
export async function warnInterruptedApply(
  folder: string,
  { warn }: Context,
  holdsLock: boolean,
): Promise<void> {
  const last = (await numbers(folder)).at(-1)
  if (last === undefined || isFinished(folder, last)) return
  const generation = await readGeneration(folder, last)
  if (generation?.ok === false) {
    const { code, message, hint } = generation.problem
    warn(problem(code, `what the last apply (generation ${last}) left undone is not known: ${message}`, hint))
    return
  }
  if (generation === undefined || generation.value.report !== null) return
  const { steps, meta } = generation.value
  const { who, at } = meta
  const holder = holdsLock ? undefined : await lockHolder(folder)
  if (holder !== undefined) {
    const since = utcMinute(holder.since)
    const message = `another run is at work on this host: ${holder.who}, process ${holder.pid}, since ${since}`
    warn(problem('run-in-progress', message, 'what it changes meanwhile is not in this plan'))
    return
  }
  const done = steps.filter((step) => step.phase === 'after').length
  const writes = `${done} ${done === 1 ? 'write' : 'writes'}`
  const message = `the last apply (generation ${last}, ${who}, ${utcMinute(at)}) was cut off after ${writes}`
  warn(problem('interrupted-apply', message, 'what it did stands; an apply continues from there'))
}
