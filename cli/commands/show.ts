import { connectHost } from '../../app/host/index.ts'
import { showQubes } from '../../app/inspect/index.ts'
import { isPlanFile, readPlanFile } from '../../app/plan/index.ts'
import { EXIT } from '../../spec/diagnostics/index.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, targetOf, outStyle } from '../options.ts'
import { showView } from '../views/show.ts'
import { printPlan } from './plan.ts'
import { jsonText } from '../json.ts'

/** Shows the state of qubes as qstate sees it, or a saved plan. */
export async function show(what: readonly string[], options: GlobalOptions, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const [first] = what
  if (what.length === 1 && first !== undefined && isPlanFile(first, io.cwd)) {
    await printPlan((await readPlanFile(first, io.cwd)).plan, options, io, context, null)
    return EXIT.done
  }
  const shown = await showQubes(what, await connectHost(targetOf(options, io), context))
  if (options.json === true) {
    const json = shown.map(({ qube, settings }) => ({ ...qube, settings }))
    io.out(jsonText(json))
  } else {
    const style = outStyle(options, io)
    io.out(shown.map((one) => showView(one, style)).join('\n'))
  }
  return EXIT.done
}
