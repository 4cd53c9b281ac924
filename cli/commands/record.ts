import { openSession, progress, recordHost } from '../../app/host/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { plural } from '../views/style.ts'
import { writeOut } from '../write-out.ts'

export interface RecordOptions extends GlobalOptions {
  readonly out?: string
}

/** Writes what the host is like as a file, for `qstate plan --host-state`. Changes nothing on it. */
export async function record(options: RecordOptions, io: Io): Promise<number> {
  const session = await openSession(options, io)
  const state = await recordHost({
    ...session,
    now: io.now().toISOString(),
    onQube: progress('recording', options, io),
  })
  const text = `${JSON.stringify(state, null, 2)}\n`
  if (options.out === undefined) {
    io.out(text)
    return EXIT.done
  }
  // Features of a qube may hold what is nobody's business.
  writeOut(options.out, text, io, { mode: 0o600 })
  const told = { file: options.out, qubes: state.qubes.length, release: state.release }
  if (options.json === true) io.out(`${JSON.stringify(told, null, 2)}\n`)
  else
    io.out(
      `Recorded ${plural(state.qubes.length, 'qube')}: qstate plan --host-state ${options.out} plans without the host.\n`,
    )
  return EXIT.done
}
