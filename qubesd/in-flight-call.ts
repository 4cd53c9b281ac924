/** A call that has been sent and not been answered. */
interface UnderWay {
  /** It is over. */
  end(): void
}

/** A signal that calls under way would be stopped by. */
interface Heeded {
  calls: number
  readonly stopAll: () => void
}

export type Why = 'aborted' | 'timeout'

export type Watch = (signal: AbortSignal | undefined, timeoutMs: number, stop: (why: Why) => void) => UnderWay

/** Milliseconds. Node has to load a module for `performance`, and this it has. */
const now = (): number => process.uptime() * 1000

/**
 * Watches over calls: each is stopped when its signal fires, or when its answer is not whole in time: a daemon that sends a
 * byte now and then would else hold a run, and its lock, for as long as it likes. One listener for a signal and one timer for all, since a listener and a timer of its own would cost a tenth of a call.
 */
export function makeWatch(): Watch {
  /**
   * No set: one that is added to and taken from all the time is laid out anew again and again, and each layout holds on to the
   * next, and to the calls that were in it. A few that have grown old keep thousands of sockets that are long closed.
   */
  const calls: Watched[] = []
  const heeded = new Map<AbortSignal, Heeded>()
  let due = Infinity

  const arm = (deadline: number): void => {
    if (deadline >= due) return
    due = deadline
    const wait = Math.max(Math.ceil(deadline - now()), 1)
    // It keeps no process: what is waited for does. One for a later time is left to fire, and does nothing.
    const fire = (): void => {
      if (deadline === due) stopLate()
    }
    AbortSignal.timeout(wait).addEventListener('abort', fire, { once: true })
  }
  const stopLate = (): void => {
    const time = now()
    due = Infinity
    for (const call of [...calls]) if (call.deadline <= time) call.stop('timeout')
    let next = Infinity
    for (const { deadline } of calls) next = Math.min(next, deadline)
    arm(next)
  }
  const heed = (signal: AbortSignal): Heeded => {
    const stopAll = (): void => {
      for (const call of [...calls]) if (call.signal === signal) call.stop('aborted')
    }
    signal.addEventListener('abort', stopAll)
    const made = { calls: 0, stopAll }
    heeded.set(signal, made)
    return made
  }
  const over = (call: Watched): void => {
    const at = calls.indexOf(call)
    if (at < 0) return
    const last = calls.pop()
    if (last !== undefined && last !== call) calls[at] = last
    if (call.signal === undefined) return
    const known = heeded.get(call.signal)
    if (known === undefined || --known.calls > 0) return
    heeded.delete(call.signal)
    call.signal.removeEventListener('abort', known.stopAll)
  }

  class Watched implements UnderWay {
    readonly deadline: number
    readonly signal: AbortSignal | undefined
    readonly stop: (why: Why) => void

    constructor(signal: AbortSignal | undefined, timeoutMs: number, stop: (why: Why) => void) {
      this.signal = signal
      this.deadline = now() + timeoutMs
      this.stop = (why) => {
        over(this)
        stop(why)
      }
    }

    end(): void {
      over(this)
    }
  }

  return (signal, timeoutMs, stop) => {
    const call = new Watched(signal, timeoutMs, stop)
    calls.push(call)
    arm(call.deadline)
    if (signal !== undefined) (heeded.get(signal) ?? heed(signal)).calls += 1
    return call
  }
}
