import { rolloutStateDocument, type RolloutState } from '../../documents/fleet/index.ts'
import { documentIn, KEYS, type Store } from '../store/index.ts'

/** Keeps a rollout as it ended. Once more changes nothing. */
export async function archive(store: Store, state: RolloutState): Promise<void> {
  const key = `${KEYS.history}${String(state.serial).padStart(6, '0')}`
  const there = await store.get(key)
  if (documentIn(rolloutStateDocument, there)?.phase === state.phase) return
  await store.put(key, state, there?.revision ?? 0)
}

/** Rollouts that have ended, or were followed by another, the newest first. */
export async function pastRollouts(store: Store): Promise<readonly RolloutState[]> {
  const entries = await store.list(KEYS.history)
  return entries
    .flatMap((entry) => documentIn(rolloutStateDocument, entry) ?? [])
    .sort((a, b) => b.serial - a.serial)
}
