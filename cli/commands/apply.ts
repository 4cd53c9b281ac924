import { readAllowedWithdrawals, withholdRemovals, withholdWithdrawals } from '../../app/apply/index.ts'
import { connect } from '../../app/host/index.ts'
import { isPlanFile, planSpec, readPlanFile } from '../../app/plan/index.ts'
import { loadSpec, tablesOf } from '../../app/source/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { confirmOptions } from '../confirm-options.ts'
import { commandContext } from '../context.ts'
import { type Io } from '../io.ts'
import { specLocation, targetOf } from '../options.ts'
import { planOptions, type PlanFlags } from './plan-flags.ts'
import { asksConsent, runCommand, type RunFlags } from './run.ts'

export type ApplyFlags = RunFlags & PlanFlags & { readonly confirm?: string }

/** Brings the host to what the spec says, or does what a saved plan says. */
export async function apply(paths: readonly string[], options: ApplyFlags, io: Io): Promise<number> {
  const context = await commandContext(options, io)
  const target = targetOf(options, io)
  const confirm =
    options.confirm === undefined ? {} : { confirm: confirmOptions(options.confirm, options, io) }
  const [first] = paths
  if (paths.length === 1 && first !== undefined && isPlanFile(first, io.cwd)) {
    if (options.target !== undefined) {
      const message = '--target does not go with a saved plan, which is applied as a whole'
      throw new QstateError(problem('bad-option', message, 'make the plan with --target'))
    }
    const { plan, tables } = await readPlanFile(first, io.cwd)
    const run = { kind: 'apply', saved: true, ...confirm } as const
    return runCommand(
      connect(target, context, tables),
      () => Promise.resolve(plan),
      run,
      options,
      io,
      context,
    )
  }
  const spec = await loadSpec(specLocation(paths, options, io), context)
  const settings = planOptions(options)
  const allowed = readAllowedWithdrawals(options.allowWithdraw ?? [])
  return runCommand(
    connect(target, context, tablesOf(spec)),
    async (host) => {
      const made = await planSpec(spec, host, settings, context)
      const kept = asksConsent(options, io)
        ? made
        : await withholdWithdrawals(made, allowed, (leaveOut) =>
            // What it warns of has been said.
            planSpec(spec, host, { ...settings, leaveOut }, { ...context, warn: () => undefined }),
          )
      return withholdRemovals(kept, options.allowRemove ?? [])
    },
    { kind: 'apply', ...confirm },
    options,
    io,
    context,
  )
}
