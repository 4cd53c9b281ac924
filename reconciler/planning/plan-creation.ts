import { problem } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type DesiredState, type Ensure, type Value } from '../../spec/index.ts'
import { foreseeQube } from '../observe/index.ts'
import { standingOf } from '../ownership/index.ts'
import { type QubePlan } from '../plan/index.ts'
import { type HostQube } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'
import { creationOf, growthsOf } from './creation.ts'
import { inScopeOf, type Planning } from './plan-context.ts'
import { planObserved } from './plan-observed.ts'

/** A qube that the spec creates, with all that it sets on it. */
export async function planCreation(
  missing: DesiredQube,
  ensure: Ensure,
  desired: DesiredState,
  context: Planning,
): Promise<QubePlan> {
  const { name } = missing
  const { klass, template, label } = ensure
  const qube: HostQube = { name, klass, state: 'Halted', uuid: null }
  const why = await context.references.creationProblem(missing)
  if (why !== undefined) return blockedQube(qube, why, missing)
  if (!context.selects(name, 'qube/label'))
    return blockedQube(
      qube,
      problem('partial-creation', 'it is not there, and is created as a whole only', `use --target ${name}`),
      missing,
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
