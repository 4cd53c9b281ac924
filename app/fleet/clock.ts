import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock } from '../../fleet/index.ts'

/** A clock that nobody sets. */
export const steadyClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  },
}
