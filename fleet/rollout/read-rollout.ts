import { type RolloutState } from './state.ts'

/**
 * A stored rollout. It is written by controllers and by people's commands alone, through credentials that hosts do not have; what
 * is looked at is that it is one, and of a version that is known.
 */
export function readRollout(json: unknown): RolloutState | null {
  const state = json as Partial<RolloutState> | null
  return typeof state === 'object' && state?.schema === 'qstate.rollout' && state.version === 1
    ? (state as RolloutState)
    : null
}
