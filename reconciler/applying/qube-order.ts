import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import { type Change, deviceOf, isDevice, namedQube, type QubePlan } from '../plan/index.ts'

/**
 * The order of an apply between qubes. qubesd takes a value that names a qube only where that qube is there, and for some
 * of them (`netvm`, `default_dispvm`) only where it has been made of use; and it removes no qube that is still named.
 */

/** The qube that a setting with this value names. Any other text that is a qube's name costs an order, and nothing else. */
function named(path: string, value: Value | null): string | null {
  if (isDevice(path)) return value === null ? null : deviceOf(path).backend
  return typeof value === 'string' && /^(?:qube|audio)\//.test(path) ? value : null
}

/** What makes a qube of use to others. */
const OFFERS: ReadonlySet<string> = new Set([
  'qube/properties/provides_network',
  'qube/properties/template_for_dispvms',
])

const offers = ({ changes }: QubePlan): boolean =>
  changes.some(({ path, after }) => OFFERS.has(path) && after === 'True')

const withdraws = ({ changes }: QubePlan): boolean =>
  changes.some(({ path, after }) => OFFERS.has(path) && after !== 'True')

/** The plans by the qubes that some value of their changes names. */
function byNamed(
  plans: readonly QubePlan[],
  namedBy: (change: Change) => string | null,
): ReadonlyMap<string, ReadonlySet<QubePlan>> {
  const found = new Map<string, Set<QubePlan>>()
  for (const plan of plans) {
    for (const change of plan.changes) {
      const qube = namedBy(change)
      if (qube === null || qube === plan.qube) continue
      found.set(qube, (found.get(qube) ?? new Set()).add(plan))
    }
  }
  return found
}

const nextNamed = ({ path, after }: Change): string | null => named(path, after)

const lastNamed = (change: Change): string | null => {
  const qube = named(change.path, change.before)
  return qube === nextNamed(change) ? null : qube
}

/** Qubes to create before any value is set, since values of other qubes name them: templates first. */
export function createdAhead(plans: readonly QubePlan[]): readonly (readonly QubePlan[])[] {
  const created = plans.filter((plan) => plan.create !== undefined)
  const users = byNamed(created.length === 0 ? [] : plans, nextNamed)
  const ahead = created.filter(({ qube }) => users.has(qube))
  const needed = new Set(ahead.map(({ create }) => create?.template))
  const templates = created.filter(({ qube }) => needed.has(qube))
  return [templates, ahead.filter((plan) => !templates.includes(plan))]
}

/** Each after all that it needs done; removals last, and of these the templates. */
export function wavesOf(plans: readonly QubePlan[]): readonly (readonly QubePlan[])[] {
  const removed = plans.filter(({ remove }) => remove !== undefined)
  const others = plans.filter(({ remove }) => remove === undefined)
  const isTemplate = ({ klass }: QubePlan): boolean => klass === 'TemplateVM'
  return [
    ...layered(others, neededBy(others)),
    removed.filter((plan) => !isTemplate(plan)),
    removed.filter(isTemplate),
  ]
}

/** By plan, those that come before it. */
function neededBy(plans: readonly QubePlan[]): ReadonlyMap<QubePlan, ReadonlySet<QubePlan>> {
  const needs = new Map<QubePlan, Set<QubePlan>>()
  const add = (plan: QubePlan, first: QubePlan): unknown =>
    needs.set(plan, (needs.get(plan) ?? new Set()).add(first))
  const templates = new Map(plans.filter(({ create }) => create !== undefined).map((p) => [p.qube, p]))
  for (const plan of plans) {
    const template = templates.get(plan.create?.template ?? '')
    if (template !== undefined) add(plan, template)
  }
  const offering = plans.filter(offers)
  const users = byNamed(offering.length === 0 ? [] : plans, nextNamed)
  for (const first of offering) for (const plan of users.get(first.qube) ?? []) add(plan, first)
  const withdrawing = plans.filter(withdraws)
  const leavers = byNamed(withdrawing.length === 0 ? [] : plans, lastNamed)
  for (const plan of withdrawing) for (const first of leavers.get(plan.qube) ?? []) add(plan, first)
  return needs
}

function layered(
  plans: readonly QubePlan[],
  needs: ReadonlyMap<QubePlan, ReadonlySet<QubePlan>>,
): readonly (readonly QubePlan[])[] {
  const layers: (readonly QubePlan[])[] = []
  const rest = new Set(plans)
  while (rest.size > 0) {
    const free = [...rest].filter((plan) => ![...(needs.get(plan) ?? [])].some((first) => rest.has(first)))
    // In a circle nothing can come first, so that all of it is tried at once.
    const layer = free.length === 0 ? circles(rest, needs) : free
    layers.push(layer)
    for (const plan of layer) rest.delete(plan)
  }
  return layers
}

/** Without those that nobody else waits for: they come after it. */
function circles(
  plans: ReadonlySet<QubePlan>,
  needs: ReadonlyMap<QubePlan, ReadonlySet<QubePlan>>,
): readonly QubePlan[] {
  const needed = new Set([...plans].flatMap((plan) => [...(needs.get(plan) ?? [])]))
  const left = new Set([...plans].filter((plan) => needed.has(plan)))
  return left.size === plans.size ? [...left] : circles(left, needs)
}

/** Why a change must not be made: it names a qube of the plan that has not been created. */
export function notCreated(change: Change, planOf: (qube: string) => QubePlan | undefined): Problem | null {
  const qube = namedQube(change)
  const plan = qube === null ? undefined : planOf(qube)
  if (qube === null || plan === undefined || !isMissing(plan)) return null
  return { code: 'no-qube', message: `${qube} has not been created`, hint: `see what became of ${qube}` }
}

/** Whether it is to be created and is not there yet. */
export const isMissing = ({ create, uuid }: QubePlan): boolean => create !== undefined && uuid === null
