import { connect } from '../../app/host/index.ts'
import { providers } from '../../providers/index.ts'
import { makeReleasePlan } from '../../reconciler/index.ts'
import { type Io } from '../io.ts'
import { type ApplyOptions, confirmAndApply, locked } from './apply.ts'
import { findQube } from './show.ts'

/** Gives up what qstate owns on some qubes. No value changes. */
export async function release(names: readonly string[], options: ApplyOptions, io: Io): Promise<number> {
  const connection = await connect(options, io)
  return locked(connection, options, io, async (session) => {
    const qubes = names.map((name) => findQube(name, session))
    const plan = await makeReleasePlan(qubes, {
      host: session.host,
      providers,
      version: session.version,
      now: io.now().toISOString(),
    })
    return confirmAndApply(plan, session, options, io, { kind: 'release' })
  })
}
