import { numbers, readGeneration } from '../journal/index.ts'
import { type Io } from './io.ts'
import { plural } from './views/style.ts'

/** Says so when the last apply was cut off: what it had done stands, and this run goes on from there. */
export async function tellUnfinished(folder: string, io: Io): Promise<void> {
  const last = (await numbers(folder)).at(-1)
  if (last === undefined) return
  const generation = await readGeneration(folder, last)
  if (generation === undefined || generation.report !== null) return
  const done = generation.steps.filter((step) => step.phase === 'after').length
  const { who, at } = generation.meta
  io.err(
    `The last apply (generation ${last}, ${who}, ${at}) was cut off after ${plural(done, 'write')}. What it did stands; this goes on from there.\n\n`,
  )
}
