import { confirmApply } from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, outStyle, targetOf } from '../options.ts'
import { confirmedView } from '../views/confirmed.ts'
import { jsonText } from '../json.ts'

/** Keeps what `apply --confirm` has applied. */
export async function confirm(options: GlobalOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const confirmed = await confirmApply(connect(targetOf(options, io), context), context)
  if (options.json === true) io.out(jsonText(withAdvice({ confirmed }, context)))
  else io.out(confirmedView(confirmed, outStyle(options, io)))
  return EXIT.done
}
