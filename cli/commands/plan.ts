import { warnUnconfirmed, withRestarts } from '../../app/apply/index.ts'
import { connect, openHost, type PlanningHost } from '../../app/host/index.ts'
import { diffRevisions, planSpec, warnInterruptedApply, writePlanFile } from '../../app/plan/index.ts'
import { agentState, findSpec, tablesOf } from '../../app/source/index.ts'
import { type Plan, planHolds, planIsBlocked, planIsEmpty } from '../../reconciler/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type CommandContext, commandContext, withAdvice } from '../context.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions, specLocation, type SpecOptions, targetOf, outStyle } from '../options.ts'
import { planView } from '../views/plan.ts'
import { diffView } from '../views/plan-diff.ts'
import { planOptions, type PlanFlags } from './plan-flags.ts'
import { fold } from '../views/style.ts'
import { jsonText } from '../json.ts'

export interface PlanCommandFlags extends SpecOptions, PlanFlags {
  readonly out?: string
  readonly detailedExitcode?: boolean
  /** Two revisions, `A..B`. */
  readonly diff?: string
  /** A file of `qstate record`, instead of the host. */
  readonly hostState?: string
}

/** Shows what an apply would do. Writes nothing to the host. */
export async function plan(paths: readonly string[], options: PlanCommandFlags, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  if (options.diff !== undefined) return planDiff(options.diff, paths, options, io, context)
  const target = targetOf(options, io)
  const snapshot = options.hostState ?? null
  const spec = await findSpec(specLocation(paths, options, io), context, () =>
    snapshot === null ? agentState(connect(target, context), context) : Promise.resolve(null),
  )
  const host = await openHost(target, snapshot, context, tablesOf(spec))
  if (host.stateFolder !== null) {
    await warnUnconfirmed(host.stateFolder, context)
    await warnInterruptedApply(host.stateFolder, context, false)
  }
  const made = await planSpec(spec, host, planOptions(options), context)
  if (options.out !== undefined) writePlanFile(options.out, made, io.cwd)
  await printPlan(made, options, io, context, host)
  if (options.out !== undefined && options.json !== true) {
    io.out(`\n${fold(`Saved: qstate apply ${options.out} does exactly this, or nothing.`, io.columns, '')}\n`)
  }
  return planExit(made, options.detailedExitcode === true)
}

export async function printPlan(
  plan: Plan,
  options: GlobalOptions,
  io: Io,
  context: CommandContext,
  host: PlanningHost | null,
): Promise<void> {
  const made = await withRestarts(plan, { policy: null, ask: null, makesHeld: host !== null }, context, host)
  if (options.json === true) io.out(jsonText(withAdvice(made, context)))
  else io.out(planView(made, outStyle(options, io)))
}

/** What cannot be planned is an error, whatever else there is to do. */
function planExit(made: Plan, detailed: boolean): number {
  if (planIsBlocked(made)) return EXIT.error
  return detailed && (!planIsEmpty(made) || planHolds(made)) ? EXIT.changes : EXIT.done
}

/** How the spec of one revision differs from that of another. The host is asked only where a selector needs it. */
async function planDiff(
  range: string,
  paths: readonly string[],
  options: PlanCommandFlags,
  io: Io,
  context: CommandContext,
): Promise<number> {
  if (options.fromGit !== undefined || options.out !== undefined) {
    const message = '--diff compares two revisions, and does not go with --from-git or --out'
    throw new QstateError(problem('bad-option', message, 'leave one of them out'))
  }
  const target = targetOf(options, io)
  const diff = await diffRevisions(
    range,
    specLocation(paths, options, io),
    () => openHost(target, options.hostState ?? null, context),
    context,
  )
  if (options.json === true) io.out(jsonText(withAdvice(diff, context)))
  else io.out(diffView(diff, outStyle(options, io)))
  return options.detailedExitcode === true && diff.qubes.length > 0 ? EXIT.changes : EXIT.done
}
