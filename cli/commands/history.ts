import { warnUnconfirmed } from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { listGenerations } from '../../app/inspect/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf, outStyle } from '../options.ts'
import { historyView } from '../views/history.ts'
import { jsonText } from '../json.ts'

/** The applies that this machine remembers for the host, the newest first. Asks the host nothing. */
export async function history(options: GlobalOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const { stateFolder } = connect(targetOf(options, io), context)
  await warnUnconfirmed(stateFolder, context)
  const generations = await listGenerations(stateFolder)
  if (options.json === true) io.out(jsonText(generations))
  else io.out(historyView(generations, outStyle(options, io)))
  return EXIT.done
}
