import { tellUnfinished, withRestarts, writePlanFile } from '../../app/apply/index.ts'
import {
  openHost,
  type PlanOptions,
  planSpec,
  type RecordedOptions,
  stateFolder,
  tablesOf,
} from '../../app/host/index.ts'
import { findSpec, type SpecOptions } from '../../app/source/index.ts'
import { type Plan, planHolds, planIsBlocked, planIsEmpty } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, wantsColor } from '../options.ts'
import { planView } from '../views/plan.ts'
import { makeStyle } from '../views/style.ts'

export interface PlanCommandOptions extends GlobalOptions, PlanOptions, SpecOptions, RecordedOptions {
  readonly out?: string
  readonly detailedExitcode?: boolean
  /** Two revisions, `A..B`. */
  readonly diff?: string
}

/** Shows what an apply would do. Writes nothing to the host. */
export async function plan(paths: readonly string[], options: PlanCommandOptions, io: Io): Promise<number> {
  if (options.diff !== undefined) {
    if (options.fromGit !== undefined || options.out !== undefined) throw notWithDiff()
    return (await import('./plan-diff.ts')).planDiff(options.diff, paths, options, io)
  }
  const spec = await findSpec(paths, options, io, async () =>
    options.hostState === undefined
      ? (await import('../../app/source/index.ts')).agentState(options, io)
      : null,
  )
  const host = await openHost(options, io, tablesOf(spec))
  if (host.client !== null) await tellUnfinished(stateFolder(options, io, { client: host.client }), io)
  const made = await planSpec(spec, host, options, io)
  if (options.out !== undefined) writePlanFile(options.out, made, io)
  printPlan(made, options, io, host.client?.transport.ownQube)
  if (options.out !== undefined && options.json !== true) {
    io.out(`\nSaved: qstate apply ${options.out} does exactly this, or nothing.\n`)
  }
  return planExit(made, options.detailedExitcode === true)
}

export function printPlan(plan: Plan, options: GlobalOptions, io: Io, ownQube?: string): void {
  const made = withRestarts(plan, options, io, ownQube)
  if (options.json === true) io.out(`${JSON.stringify(made, null, 2)}\n`)
  else io.out(planView(made, makeStyle(wantsColor(options, io, io.outIsTerminal), io.columns)))
}

/** What cannot be planned is an error, whatever else there is to do. */
function planExit(made: Plan, detailed: boolean): number {
  if (planIsBlocked(made)) return EXIT.error
  return detailed && (!planIsEmpty(made) || planHolds(made)) ? EXIT.changes : EXIT.done
}

const notWithDiff = (): QstateError =>
  new QstateError(
    problem(
      'bad-option',
      '--diff compares two revisions, and does not go with --from-git or --out',
      'leave one of them out',
    ),
  )
