import { connectHost, recordHost } from '../../app/host/index.ts'
import { writeOutputFile } from '../../app/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf } from '../options.ts'
import { plural } from '../views/style.ts'
import { jsonText } from '../json.ts'

export interface RecordFlags extends GlobalOptions {
  readonly out?: string
}

/** Writes what the host is like as a file, for `qstate plan --host-state`. Changes nothing on it. */
export async function record(options: RecordFlags, io: Io): Promise<number> {
  const { out } = options
  const context = await commandContext(options, io)
  const state = await recordHost(await connectHost(targetOf(options, io), context), context)
  const text = jsonText(state)
  if (out === undefined) {
    io.out(text)
    return EXIT.done
  }
  // Features of a qube may hold what is nobody's business.
  writeOutputFile({ path: out, cwd: io.cwd, text, mode: 0o600 })
  const told = { file: out, qubes: state.qubes.length, release: state.release }
  const recorded = `Recorded ${plural(state.qubes.length, 'qube')}: qstate plan --host-state ${out} plans without the host.`
  io.out(options.json === true ? jsonText(told) : `${recorded}\n`)
  return EXIT.done
}
