import { type Io } from '../../cli/io.ts'
import { plural } from '../../cli/views/style.ts'
import { showTime } from '../../cli/views/value.ts'
import { isComplete, isFinished, lockHolder, numbers, readGeneration } from '../../journal/index.ts'
import { type Change } from '../../reconciler/index.ts'

/**
 * Says so when the last apply was cut off: what it had done stands, and this run goes on from there. One that is at work
 * is not cut off; whoever holds the lock is `alone`, and knows that there is none.
 */
export async function tellUnfinished(folder: string, io: Io, alone?: 'alone'): Promise<void> {
  const last = (await numbers(folder)).at(-1)
  if (last === undefined || isFinished(folder, last)) return
  const generation = await readGeneration(folder, last)
  if (generation === undefined || generation.report !== null) return
  const { who, at } = generation.meta
  const holder = alone === undefined ? await lockHolder(folder) : undefined
  if (holder !== undefined) {
    io.err(
      `Another run is at work on this host (${holder.who}, process ${holder.pid}, since ${showTime(holder.since)}).\n\n`,
    )
    return
  }
  const done = generation.steps.filter((step) => step.phase === 'after').length
  io.err(
    `The last apply (generation ${last}, ${who}, ${showTime(at)}) was cut off after ${plural(done, 'write')}. What it did stands; this goes on from there.\n\n`,
  )
}

/**
 * Changes that the last apply planned and did not come to, by qube and path: what is there is still what was there, and
 * nobody has set it. The record was written ahead and says otherwise; only this machine's memory can tell.
 */
export async function unfinishedChanges(
  folder: string,
): Promise<(qube: string, path: string) => Change | undefined> {
  const last = (await numbers(folder)).at(-1)
  if (last === undefined || (await isComplete(folder, last))) return () => undefined
  const generation = await readGeneration(folder, last)
  const open = new Map<string, Change>()
  for (const { qube, changes } of generation?.plan.qubes ?? []) {
    const outcomes = generation?.report?.qubes.find((done) => done.qube === qube)?.outcomes
    for (const change of changes) {
      const outcome = outcomes?.find(({ path }) => path === change.path)
      if (outcome?.status !== 'applied') open.set(`${qube}/${change.path}`, change)
    }
  }
  return (qube, path) => open.get(`${qube}/${path}`)
}
