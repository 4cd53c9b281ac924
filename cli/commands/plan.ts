import { EXIT, type Plan, planIsBlocked, planIsEmpty } from '../../reconciler/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { writePlanFile } from '../plan-file.ts'
import { loadSpec, openSession, type PlanOptions, planSpec, stateFolder, tablesOf } from '../session.ts'
import { planView } from '../views/plan.ts'
import { makeStyle } from '../views/style.ts'
import { tellUnfinished } from '../unfinished.ts'

export interface PlanCommandOptions extends GlobalOptions, PlanOptions {
  readonly out?: string
  readonly detailedExitcode?: boolean
}

/** Shows what an apply would do. Writes nothing to the host. */
export async function plan(paths: readonly string[], options: PlanCommandOptions, io: Io): Promise<number> {
  const spec = loadSpec(paths, options, io)
  const session = await openSession(options, io, tablesOf(spec))
  await tellUnfinished(stateFolder(options, io, session), io)
  const made = await planSpec(spec, session, options, io)
  if (options.out !== undefined) writePlanFile(options.out, made, io)
  printPlan(made, options, io)
  if (options.out !== undefined && options.json !== true) {
    io.out(`\nSaved: qstate apply ${options.out} does exactly this, or nothing.\n`)
  }
  return planExit(made, options.detailedExitcode === true)
}

export function printPlan(made: Plan, options: GlobalOptions, io: Io): void {
  if (options.json === true) io.out(`${JSON.stringify(made, null, 2)}\n`)
  else io.out(planView(made, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
}

/** What cannot be planned is an error, whatever else there is to do. */
function planExit(made: Plan, detailed: boolean): number {
  if (planIsBlocked(made)) return EXIT.error
  return detailed && !planIsEmpty(made) ? EXIT.changes : EXIT.done
}
