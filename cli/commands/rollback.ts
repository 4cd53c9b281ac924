import { type Generation, numbers, readGeneration } from '../../journal/index.ts'
import { providers } from '../../providers/index.ts'
import { EXIT, makeRollbackPlan } from '../../reconciler/index.ts'
import { type Io, UserError } from '../io.ts'
import { wholeNumber } from '../options.ts'
import { tablesFrom } from '../plan-file.ts'
import { connect, stateFolder } from '../session.ts'
import { type ApplyOptions, confirmAndApply, locked } from './apply.ts'

/** Undoes the last apply, or everything since a generation, that one among it. */
export async function rollback(
  generation: string | undefined,
  options: ApplyOptions,
  io: Io,
): Promise<number> {
  const undone: Generation[] = []
  const connection = await connect(options, io, (sha256) =>
    tablesFrom(
      undone.map(({ plan }) => plan),
      sha256,
    ),
  )
  const folder = stateFolder(options, io, connection)
  return locked(connection, options, io, async (session) => {
    const all = await numbers(folder)
    const first =
      generation === undefined ? all.at(-1) : wholeNumber(generation, 'the generation', 1, 999_999)
    if (first === undefined || !all.includes(first)) {
      const hint =
        all.length === 0 ? 'nothing has been applied from here yet' : '`qstate history` lists what there is'
      throw new UserError(
        EXIT.error,
        'no-generation',
        first === undefined ? 'there is nothing to roll back' : `there is no generation ${first}`,
        hint,
      )
    }
    for (const number of all.filter((n) => n >= first).reverse()) {
      const found = await readGeneration(folder, number)
      if (found !== undefined) undone.push(found)
    }
    const plan = await makeRollbackPlan(undone, {
      host: session.host,
      providers,
      qubes: session.qubes,
      release: session.release,
      now: io.now().toISOString(),
    })
    return confirmAndApply(plan, session, options, io, false)
  })
}
