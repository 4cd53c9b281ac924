import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import {
  type Change,
  deviceOf,
  isDevice,
  makesOffer,
  namedQube,
  type QubePlan,
  withdrawsOffer,
} from '../plan/index.ts'

/**
 * The order of an apply between qubes. qubesd takes a value that names a qube only where that qube is there, and for some
 * of them (`netvm`, `default_dispvm`) only where it has been made of use; and it removes no qube that is still named.
 */

/** The qube that a setting with this value names. Any other text that is a qube's name costs an order, and nothing else. */
function named(path: string, value: Value | null): string | null {
  if (isDevice(path)) return value === null ? null : deviceOf(path).backend
  return typeof value === 'string' && /^(?:qube|audio)\//.test(path) ? value : null
}

/** Part of an apply: which changes of which qubes. `rest` ends with the second look at each qube. */
export interface Stage {
  readonly plans: readonly QubePlan[]
  readonly extent: 'part' | 'rest'
  readonly chosen: (change: Change) => boolean
}

/**
 * Qubes that values of others name are created before any value is set, and made of use; whatever makes a qube of no use comes
 * after all that no longer names it; removals last. Of qubes that are created or removed together a template is first, and last.
 */
export function stagesOf(plans: readonly QubePlan[]): readonly Stage[] {
  const isTemplate = ({ klass }: QubePlan): boolean => klass === 'TemplateVM'
  const removed = plans.filter(({ remove }) => remove !== undefined)
  const others = plans.filter(({ remove }) => remove === undefined)
  const created = others.filter(({ create }) => create !== undefined)
  const named = namedByOthers(others)
  const ahead = created.filter(({ qube }) => named.has(qube))
  const needed = new Set(ahead.map(({ create }) => create?.template))
  const isLast = ({ changes }: QubePlan): boolean => others.length > 1 && changes.some(withdrawsOffer)
  const rest = (some: readonly QubePlan[]): Stage => ({ plans: some, extent: 'rest', chosen: () => true })
  const create = (some: readonly QubePlan[]): Stage => ({ plans: some, extent: 'part', chosen: () => false })
  const part = (some: readonly QubePlan[], chosen: Stage['chosen']): Stage => ({
    plans: some.filter(({ changes }) => changes.some(chosen)),
    extent: 'part',
    chosen,
  })
  const first = created.filter(isTemplate)
  const later = others.filter((plan) => !first.includes(plan))
  return [
    create(created.filter(({ qube }) => needed.has(qube))),
    create(ahead.filter(({ qube }) => !needed.has(qube))),
    part(
      others.filter(({ qube }) => named.has(qube)),
      makesOffer,
    ),
    rest(first),
    part(later.filter(isLast), (change) => !withdrawsOffer(change)),
    rest(later.filter((plan) => !isLast(plan))),
    rest(later.filter(isLast)),
    rest(removed.filter((plan) => !isTemplate(plan))),
    rest(removed.filter(isTemplate)),
  ]
}

/** Qubes that a value of another qube will name. */
function namedByOthers(plans: readonly QubePlan[]): ReadonlySet<string> {
  return new Set(
    plans.flatMap(({ qube, changes }) =>
      changes.flatMap(({ path, after }) => {
        const name = named(path, after)
        return name === null || name === qube ? [] : [name]
      }),
    ),
  )
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
