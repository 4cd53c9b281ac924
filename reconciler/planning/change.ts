import { located, sourceOf } from '../../spec/diagnostics/index.ts'
import { type Blocked, type Change, guarded, inverse, type Operation } from '../plan/index.ts'
import { type Provider, type QubeFacts } from '../ports/index.ts'
import { type Difference } from './diff.ts'

/**
 * The change that makes a difference, with its guard, its way back and its calls; or why this host cannot have it. Made whole: a copy
 * of each of thousands would be kept for as long as the first.
 */
export function changeOf(
  difference: Difference,
  operation: Operation | undefined,
  provider: Provider,
  facts: QubeFacts,
  more: Pick<Change, 'remarks' | 'inherited'> = { remarks: [] },
): Change | Blocked {
  const { path, before, after, reason, at } = difference
  const qube = facts.qube.name
  const calls = provider.calls({ qube, path, before, after }, facts)
  if ('code' in calls) return { path, problem: located(calls, at) }
  if (operation === undefined) throw new Error(`${path} differs and has no operation`)
  return {
    path,
    before,
    after,
    patch: guarded(qube, path, before, operation),
    inverse: inverse(qube, path, before, after),
    reason,
    effect: provider.effect(path, facts),
    calls,
    ...sourceOf(at),
    ...more,
  }
}
