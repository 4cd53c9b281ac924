import { type Io } from '../../cli/io.ts'
import { type Plan } from '../../reconciler/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'

export interface RemovalOptions {
  readonly allowRemove?: readonly string[]
  readonly yes?: boolean
}

const removals = (plan: Plan): readonly string[] =>
  plan.qubes.filter(({ remove }) => remove !== undefined).map(({ qube }) => qube)

export const removesQubes = (plan: Plan): boolean => removals(plan).length > 0

/** A fresh plan without the removals that the command line does not name: they are blocked, and the rest goes on. */
export function withholdRemovals(plan: Plan, { allowRemove = [] }: RemovalOptions): Plan {
  return {
    ...plan,
    qubes: plan.qubes.map((planned) => {
      const { remove, ...rest } = planned
      if (remove === undefined || allowRemove.includes(planned.qube)) return planned
      const why = 'the spec wants it removed, with all its data: not without being asked to'
      const hint = `apply with --allow-remove ${planned.qube}`
      return { ...rest, blocked: [{ path: null, why, hint }] }
    }),
  }
}

/** Ends the command where a plan, which is done exactly or not at all, removes a qube that the command line does not name. */
export function requireAllowed(plan: Plan, { allowRemove = [] }: RemovalOptions): void {
  const other = removals(plan).find((qube) => !allowRemove.includes(qube))
  if (other === undefined) return
  throw new QstateError(
    problem(
      'needs-allow-remove',
      `the plan removes ${other}, with all its data: nothing was touched`,
      `add --allow-remove ${other}`,
    ),
  )
}

/** Whoever is at a terminal types each name once more. */
export async function removalsConfirmed(plan: Plan, io: Io): Promise<boolean> {
  for (const qube of removals(plan)) {
    const answer = await io.ask(`\n${qube} is removed with all its data. Type its name to go on: `)
    if (answer?.trim() === qube) continue
    io.err('Nothing was changed.\n')
    return false
  }
  return true
}
