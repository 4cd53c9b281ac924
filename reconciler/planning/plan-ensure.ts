import { problem, type Problem, QstateError, located } from '../../spec/diagnostics/index.ts'
import { type DesiredQube, type Ensure } from '../../spec/index.ts'
import { type Look } from '../observe/index.ts'
import { type Blocked, type EnsureDifference, type QubePlan, type VolumeGrowth } from '../plan/index.ts'
import { hasTemplate, type Host, isRunning, type VolumeName } from '../ports/index.ts'
import { growthOf, VOLUMES } from './creation.ts'
import { type PlanContext } from './plan-context.ts'

/**
 * What `ensure` says of a qube that exists: class, label and template are reported where they differ, and left; a volume that is too
 * small grows, once the qube is halted, and none is made smaller. Judged by the class that the qube has.
 */
export async function withEnsure(
  plan: QubePlan,
  look: Look,
  declared: DesiredQube,
  ensure: Ensure,
  { host, mode, selects }: PlanContext,
): Promise<QubePlan> {
  const { qube } = look.facts
  if (plan.blocked.some(({ path }) => path === null) || !selects(qube.name, 'qube/label')) return plan
  const differs = differencesOf(look, declared, ensure)
  const volumes: VolumeGrowth[] = []
  const waiting: Blocked[] = []
  const unknown: Blocked[] = []
  for (const name of VOLUMES) {
    const size = ensure.volumes[name]
    // The root volume of a qube with a template is that of its template.
    if (size === undefined || (name === 'root' && hasTemplate(qube))) continue
    const block = (why: Problem): Blocked => ({
      path: `volumes/${name}`,
      problem: located(why, declared.position),
    })
    const is = await sizeOf(host, qube.name, name)
    if (typeof is !== 'number') unknown.push(block(is))
    else if (is > size) differs.push({ what: name, is, ensure: size })
    else if (is < size && mode !== 'adopt') {
      if (isRunning(qube)) waiting.push(block(NEEDS_HALTED))
      else volumes.push(growthOf(qube.name, name, size))
    }
  }
  const isHeld = declared.restart === 'idle-halted'
  const held = [...(plan.held ?? []), ...(isHeld ? waiting : [])]
  return {
    ...plan,
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(differs.length === 0 ? {} : { differs }),
    blocked: [...plan.blocked, ...unknown, ...(isHeld ? [] : waiting)],
    ...(held.length === 0 ? {} : { held }),
  }
}

/** Not what a setting of the spec says, too: there it is a change. */
function differencesOf(
  { facts, reading }: Look,
  { settings }: DesiredQube,
  { klass, label, template }: Ensure,
): EnsureDifference[] {
  const found: EnsureDifference[] = []
  const compare = (what: EnsureDifference['what'], property: string, said: string): void => {
    const is = reading.effective(property)
    if (is.status === 'present' && is.value !== said) found.push({ what, is: is.value, ensure: said })
  }
  if (facts.qube.klass !== klass) found.push({ what: 'class', is: facts.qube.klass, ensure: klass })
  if (!settings.has('qube/label')) compare('label', 'label', label)
  if (template !== null && hasTemplate(facts.qube) && !settings.has('qube/properties/template'))
    compare('template', 'template', template)
  return found
}

async function sizeOf(host: Host, qube: string, name: VolumeName): Promise<number | Problem> {
  try {
    return await host.volumeSize(qube, name)
  } catch (error) {
    if (!(error instanceof QstateError) || error.fatal) throw error
    const message = `whether its ${name} volume is as large as wanted is not known: ${error.message}`
    return { ...error.problem, message }
  }
}

const NEEDS_HALTED = problem(
  'needs-halted',
  'the volume grows while the qube is halted only',
  'shut the qube down and apply again; with `restart: idle-halted` a later apply grows it once it finds the qube halted',
)
