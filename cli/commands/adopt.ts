import { connect, loadSpec, planSpec, tablesOf } from '../../app/host/index.ts'
import { type Io } from '../io.ts'
import { type ApplyOptions, confirmAndApply, locked } from './apply.ts'

/** Takes over what is as the spec wants it already. No value changes; what differs is left for an apply. */
export async function adopt(paths: readonly string[], options: ApplyOptions, io: Io): Promise<number> {
  const spec = loadSpec(paths, options, io)
  const connection = await connect(options, io, tablesOf(spec))
  return locked(connection, options, io, async (session) => {
    const plan = await planSpec(spec, session, options, io, 'adopt')
    return confirmAndApply(plan, session, options, io, { kind: 'adopt' })
  })
}
