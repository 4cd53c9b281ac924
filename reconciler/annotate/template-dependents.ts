import { type Note, type QubePlan } from '../plan/index.ts'
import { type HostQube, isRunning, mapLimited } from '../ports/index.ts'
import { type Explainer } from './explain.ts'

/**
 * Says with a template that a plan changes which of its app qubes run: they have from it what they were started with, and
 * the rest from their own next start on. Running app qubes are asked for their template, and only where one is changed.
 */
export async function withHeirs(
  plans: readonly QubePlan[],
  qubes: readonly HostQube[],
  explain: Explainer,
  parallelism: number,
): Promise<readonly QubePlan[]> {
  const changed = plans.filter(isChanged)
  if (changed.length === 0 || !explain.asks) return plans
  const running = qubes.filter((qube) => qube.klass === 'AppVM' && isRunning(qube))
  const templates = new Map(
    await mapLimited(running, parallelism, async ({ name }) => [name, await explain.template(name)] as const),
  )
  return plans.map((plan) => {
    const heirs = running.filter(({ name }) => templates.get(name) === plan.qube).map(({ name }) => name)
    if (!changed.includes(plan) || heirs.length === 0) return plan
    const text = `what changes here reaches its running app qubes at their own next start: ${heirs.join(', ')}`
    const note: Note = { kind: 'heirs', path: null, text }
    return { ...plan, notes: [...plan.notes, note] }
  })
}

const isChanged = ({ klass, changes, create }: QubePlan): boolean =>
  klass === 'TemplateVM' &&
  create === undefined &&
  changes.some(({ path }) => /^(?:audio|stubdom|qube)\//.test(path))
