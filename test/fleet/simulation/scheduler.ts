import { type Random } from '../../fuzz/random.ts'

/** All that happens in a simulation happens here, one thing after another, in an order that the seed decides. */
export interface Scheduler {
  readonly random: Random
  /** True time, which nobody in the simulation knows. */
  readonly nowMs: () => number
  /** Something that happens at any moment from now on, in any order. */
  soon(work: () => void): void
  /** Something that happens when so much time has passed. */
  after(ms: number, work: () => void): void
  /** Runs until so much time has passed, or `stop` says so; `each` is called after all that happened. */
  run(forMs: number, each: () => void, stop?: () => boolean): Promise<void>
  /** What a process died of that must not be: the run ends with it. */
  fail(error: unknown): void
  readonly events: () => number
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly work: () => void
}

export function makeScheduler(random: Random): Scheduler {
  let now = 0
  let order = 0
  let events = 0
  let failure: unknown
  let pending: (() => void)[] = []
  let timers: Timer[] = []

  const next = (): (() => void) | null => {
    const [first] = timers
    // What is under way mostly comes before the next timer, and sometimes after many.
    if (pending.length > 0 && (first === undefined || random.below(5) > 0)) {
      const index = random.below(pending.length)
      const work = pending[index]!
      pending[index] = pending[pending.length - 1]!
      pending = pending.slice(0, -1)
      return work
    }
    if (first === undefined) return null
    timers = timers.slice(1)
    now = Math.max(now, first.at)
    return first.work
  }
  return {
    random,
    nowMs: () => now,
    soon: (work) => void pending.push(work),
    after(ms, work) {
      const timer = { at: now + ms, order: (order += 1), work }
      const index = timers.findIndex((other) => other.at > timer.at)
      timers.splice(index === -1 ? timers.length : index, 0, timer)
    },
    // Plain callbacks, one a round of the event loop: there are millions.
    run: (forMs, each, stop = () => false) =>
      new Promise((resolve, reject) => {
        const until = now + forMs
        const guard = (work: () => void) => (): void => {
          try {
            work()
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        const happen = (): void => {
          const work = now < until && !stop() ? next() : null
          if (work === null) {
            resolve()
            return
          }
          work()
          setImmediate(look)
        }
        const look = guard(() => {
          events += 1
          if (failure !== undefined) throw failure as Error
          each()
          happen()
        })
        setImmediate(guard(happen))
      }),
    fail: (error) => void (failure ??= error),
    events: () => events,
  }
}
