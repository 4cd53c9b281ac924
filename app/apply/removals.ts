import { type Plan } from '../../reconciler/index.ts'
import { located, problem, QstateError } from '../../spec/diagnostics/index.ts'

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
      const withheld = located(problem('removal-not-allowed', why, hint), remove.at)
      return { ...rest, blocked: [{ path: null, problem: withheld }] }
    }),
  }
}

/** Fails where a plan, which is done exactly or not at all, removes a qube that is not allowed by name. */
export function requireAllowed(plan: Plan, allowed: readonly string[]): void {
  const other = plan.qubes.find(({ qube, remove }) => remove !== undefined && !allowed.includes(qube))
  if (other === undefined) return
  const { qube, remove } = other
  const message = `the plan removes ${qube}, with all its data: nothing was changed`
  const refusal = problem('needs-allow-remove', message, `add --allow-remove ${qube}`)
  throw new QstateError(located(refusal, remove?.at))
}
