import { type HostQube, type Plan } from '../../reconciler/index.ts'
import { located, nearest, type Problem, problem, QstateError, quote } from '../../spec/diagnostics/index.ts'

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

/**
 * Fails where a name that was allowed is of no qube, of the plan or of the host: it is misspelt. And where a plan, which is done exactly
 * or not at all, removes a qube that is not allowed by name.
 */
export function requireAllowed(plan: Plan, allowed: readonly string[], qubes: readonly HostQube[]): void {
  const known = new Set([...plan.qubes.map(({ qube }) => qube), ...qubes.map(({ name }) => name)])
  const unknown = allowed.find((name) => !known.has(name))
  if (unknown !== undefined) throw new QstateError(misspelt(unknown, plan))
  const other = plan.qubes.find(({ qube, remove }) => remove !== undefined && !allowed.includes(qube))
  if (other === undefined) return
  const { qube, remove } = other
  const message = `the plan removes ${qube}, with all its data: nothing was changed`
  const refusal = problem('needs-allow-remove', message, `add --allow-remove ${qube}`)
  throw new QstateError(located(refusal, remove?.at))
}

function misspelt(name: string, { qubes }: Plan): Problem {
  const near = nearest(
    name,
    qubes.map(({ qube }) => qube),
  )
  const hint =
    near === undefined
      ? 'name a qube that the spec wants absent, as the plan shows it'
      : `did you mean ${near}?`
  return problem('bad-option', `--allow-remove ${quote(name)}: there is no such qube`, hint)
}
