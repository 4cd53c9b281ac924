import { type Code, problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, type Ensure, type Value } from '../../spec/index.ts'
import { type Explainer } from '../annotate/index.ts'
import { foreseeQube } from '../observe/index.ts'
import { standingOf } from '../ownership/index.ts'
import { type QubePlan } from '../plan/index.ts'
import { type HostQube, orListed } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'
import { creationOf, growthsOf, templateProblem } from './creation.ts'
import { inScopeOf, type PlanContext } from './plan-context.ts'
import { planObserved } from './plan-observed.ts'

/** Whether the same plan makes a template, which an apply does first. */
function isCreated(name: string | null, desired: DesiredState, context: PlanContext): boolean {
  if (name === null || context.qubes.some((qube) => qube.name === name)) return false
  const ensure = desired.qubes.get(name)?.ensure
  if (ensure === undefined || ensure === 'absent') return false
  return ensure.klass === 'TemplateVM' && context.selects(name, 'qube/label')
}

/** A qube that the spec creates, with all that it sets on it. */
export async function planCreation(
  missing: DesiredQube,
  ensure: Ensure,
  desired: DesiredState,
  context: PlanContext & { readonly explain: Explainer },
): Promise<QubePlan> {
  const { name } = missing
  const { klass, template, label } = ensure
  const qube: HostQube = { name, klass, state: 'Halted', uuid: null }
  const blocked = (code: Code, why: string, hint: string): QubePlan =>
    blockedQube(qube, problem(code, why, hint), missing)
  const unfit = missing.unfit?.find(({ path }) => path === null)
  if (unfit !== undefined) return blockedQube(qube, unfit.problem, missing)
  const why = isCreated(template, desired, context) ? null : templateProblem(template, context.qubes)
  if (why !== null) {
    const hint = 'name another, or let the spec create it (`ensure: { class: TemplateVM }`)'
    return blocked(
      'no-template',
      `it cannot be created: ${why}`,
      template === null ? hint : orListed(hint, context.host, template),
    )
  }
  if (!context.selects(name, 'qube/label'))
    return blocked(
      'partial-creation',
      'it is not there, and is created as a whole only',
      `use --target ${name}`,
    )
  const wanted = inScopeOf(missing, context)
  const created = new Map<string, Value>([
    ['qube/label', label],
    ...(template === null ? [] : [['qube/properties/template', template] as const]),
  ])
  const facts = { qube, version: context.version }
  const observed = await foreseeQube(context.host, context.providers, facts, wanted, created)
  const standing = await standingOf({ qube: name, uuid: null }, null, observed.record, null)
  const plan = await planObserved(observed, wanted, null, desired, context, standing)
  if (plan.blocked.some(({ path }) => path === null)) return plan
  const volumes = growthsOf(name, ensure)
  return { ...plan, create: creationOf(name, ensure), ...(volumes.length === 0 ? {} : { volumes }) }
}
