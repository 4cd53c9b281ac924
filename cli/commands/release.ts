import { planRelease } from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { targetOf } from '../options.ts'
import { runCommand, type RunFlags } from './run.ts'

/** Gives up what qstate owns on some qubes. No value changes. */
export async function release(names: readonly string[], options: RunFlags, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const connection = connect(targetOf(options, io), context)
  const makePlan = (host: Parameters<typeof planRelease>[1]): ReturnType<typeof planRelease> =>
    planRelease(names, host, context)
  return runCommand(connection, makePlan, { kind: 'release' }, options, io, context)
}
