/** Time, as loops know it. */
export interface Clock {
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  /** Resolves after so many milliseconds, or as soon as the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface Waker {
  /** Ends a wait, or the next one where there is none. */
  readonly wake: () => void
  readonly wait: (ms: number) => Promise<void>
}

/** Waits that end with time, with news, or with the signal. */
export function makeWaker(clock: Clock, signal: AbortSignal): Waker {
  let isDue = false
  let waiting: AbortController | null = null
  return {
    wake() {
      isDue = true
      waiting?.abort()
    },
    async wait(ms) {
      if (!isDue && !signal.aborted) {
        waiting = new AbortController()
        await clock.sleep(ms, AbortSignal.any([signal, waiting.signal]))
        waiting = null
      }
      isDue = false
    },
  }
}
