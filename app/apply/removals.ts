import { type Plan } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'

/** The qubes that a plan removes. */
export const removalsOf = (plan: Plan): readonly string[] =>
  plan.qubes.filter(({ remove }) => remove !== undefined).map(({ qube }) => qube)

/** A fresh plan without the removals that are not allowed by name: they are blocked, and the rest goes on. */
export function withholdRemovals(plan: Plan, allowed: readonly string[]): Plan {
  return {
    ...plan,
    qubes: plan.qubes.map((planned) => {
      const { remove, ...rest } = planned
      if (remove === undefined || allowed.includes(planned.qube)) return planned
      const why = 'the spec wants it removed, with all its data: not without being asked to'
      const hint = `apply with --allow-remove ${planned.qube}`
      return { ...rest, blocked: [{ path: null, problem: problem('removal-not-allowed', why, hint) }] }
    }),
  }
}

/** Fails where a plan, which is done exactly or not at all, removes a qube that is not allowed by name. */
export function requireAllowed(plan: Plan, allowed: readonly string[]): void {
  const other = removalsOf(plan).find((qube) => !allowed.includes(qube))
  if (other === undefined) return
  throw new QstateError(
    problem(
      'needs-allow-remove',
      `the plan removes ${other}, with all its data: nothing was changed`,
      `add --allow-remove ${other}`,
    ),
  )
}
