import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import {
  type DesiredQube,
  type DesiredState,
  type Ensure,
  SLIC_TABLES,
  type Value,
} from '../../spec/index.ts'
import { foreseeQube, type ObservedQube, observePaths } from '../observe/index.ts'
import { standingOf } from '../ownership/index.ts'
import { type QubePlan } from '../plan/index.ts'
import { type HostQube, type Observation, type Orphan } from '../ports/index.ts'
import { blockedQube } from './blocked-qube.ts'
import { creationOf, growthsOf } from './creation.ts'
import { inScopeOf, type Planning } from './plan-context.ts'
import { planObserved } from './plan-observed.ts'

/** A qube that the spec creates, with all that it sets on it. */
export async function planCreation(
  missing: DesiredQube,
  ensure: Ensure,
  desired: DesiredState,
  context: Planning & { readonly templates: Observation<readonly Orphan[]> },
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
  const left = context.templates.status === 'present' ? context.templates.value : []
  const leftover = left.find((template) => template.qube === name)
  if (leftover !== undefined && !wanted.settings.has(SLIC_TABLES))
    return blockedQube(qube, leftBehind(leftover), missing)
  const foreseen = await foreseeQube(context.host, context.providers, facts, wanted, created)
  const observed = leftover === undefined ? foreseen : await withTemplateLeft(foreseen, context)
  const standing = await standingOf({ qube: name, uuid: null }, null, observed.record, null)
  const plan = await planObserved(observed, wanted, null, desired, context, standing)
  if (plan.blocked.some(({ path }) => path === null)) return plan
  const volumes = growthsOf(name, ensure)
  return { ...plan, create: creationOf(name, ensure), ...(volumes.length === 0 ? {} : { volumes }) }
}

/** A new qube of an old name gets the tables of the old one, this machine's own among them, unless the spec says otherwise. */
function leftBehind({ qube, path }: Orphan): Problem {
  const why = `a SLIC template was left behind for this name, and a new ${qube} would get its tables`
  const hint = `write slic for it (slic: off removes the template), or remove ${path}`
  return problem('template-left', why, hint)
}

/** With the tables that are there already: what the spec says of them is a change of these. */
async function withTemplateLeft(
  foreseen: ObservedQube,
  { host, providers }: Planning,
): Promise<ObservedQube> {
  const { facts } = foreseen
  try {
    const { values } = await observePaths(host, providers, facts, [SLIC_TABLES])
    return { ...foreseen, values: new Map([...foreseen.values, ...values]) }
  } catch (error) {
    if (!(error instanceof QstateError) || error.fatal) throw error
    const unknown = { status: 'unknown', problem: error.problem } as const
    return { ...foreseen, values: new Map([...foreseen.values, [SLIC_TABLES, unknown]]) }
  }
}
