import { isComplete, isFinished, lockHolder, numbers, readGeneration } from '../../journal/index.ts'
import { type Change } from '../../reconciler/index.ts'
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

/**
 * Changes that the last apply planned and did not come to, by qube and path: what is there is still what was there, and
 * nobody has set it. The record was written ahead and says otherwise; only this machine's memory can tell.
 */
export async function interruptedChanges(
  folder: string,
): Promise<(qube: string, path: string) => Change | undefined> {
  const last = (await numbers(folder)).at(-1)
  if (last === undefined || (await isComplete(folder, last))) return () => undefined
  const generation = await readGeneration(folder, last)
  const open = new Map<string, Change>()
  if (generation?.ok !== true) return () => undefined
  const { plan, report } = generation.value
  for (const { qube, changes } of plan.qubes) {
    const outcomes = report?.qubes.find((done) => done.qube === qube)?.outcomes
    for (const change of changes) {
      const outcome = outcomes?.find(({ path }) => path === change.path)
      if (outcome?.status !== 'applied') open.set(`${qube}/${change.path}`, change)
    }
  }
  return (qube, path) => open.get(`${qube}/${path}`)
}
