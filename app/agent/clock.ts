import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock } from '../../agent/index.ts'
import { type Clock as SteadyClock } from '../../fleet/index.ts'
import { type Context } from '../index.ts'

/** What a timer of Node takes at most. */
const MAX_TIMER_MS = 2 ** 31 - 1

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.min(ms, MAX_TIMER_MS), undefined, { signal }).catch(() => undefined)

/** Monotonic, in milliseconds. */
export const steadyClock: SteadyClock = { now: () => performance.now(), sleep: wait }

/** The clock on the wall, by which windows and freezes go. */
export const wallClock = ({ now }: Pick<Context, 'now'>): Clock => ({ now, sleep: wait })
