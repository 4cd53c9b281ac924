import { KEYS, type Store } from '../store/index.ts'
import { note, type View } from './view.ts'

/**
 * Keeps a view up to date until the signal fires. What is there already when it begins is no news: nobody knows how old it is.
 * Fails with QstateError.
 */
export async function follow(
  view: View,
  store: Store,
  now: () => number,
  signal: AbortSignal,
  onNews: () => void,
): Promise<void> {
  const one = async (prefix: string): Promise<void> => {
    for (const entry of await store.list(prefix)) note(view, entry, now(), false)
    for await (const entry of store.watch(prefix, signal)) if (note(view, entry, now(), true)) onNews()
  }
  await Promise.all([one(KEYS.orders), one(KEYS.reports)])
}
