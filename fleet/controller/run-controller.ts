import { rolloutStateDocument, type RolloutState } from '../../documents/fleet/index.ts'
import { isDomain } from '../../spec/diagnostics/index.ts'
import { type Clock, documentIn, KEYS, makeWaker } from '../store/index.ts'
import { type ControllerContext, controllerTurn, newController } from './controller.ts'
import { follow } from './follow.ts'

export interface ControllerRun extends Omit<ControllerContext, 'now'> {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Told of the rollout whenever it may have changed, while this controller is in charge; true ends the run. */
  readonly onState?: (state: RolloutState) => boolean
}

const RETRY_MS = 2000

/** A controller until the signal fires, or `onState` says that it is enough. Store and servers may come and go. */
export async function runController(run: ControllerRun): Promise<void> {
  const { clock, store, leaseMs, say, onState } = run
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const now = (): number => clock.now()
  const mine = newController(now())
  const waker = makeWaker(clock, signal)
  const following = keepFollowing()
  let isAway = false
  while (!signal.aborted) {
    let more = false
    try {
      more = await controllerTurn(mine, { ...run, now })
      if (isAway) say('info', 'the store answers again')
      isAway = false
    } catch (error) {
      if (!isDomain(error, 'store')) throw error
      if (!isAway) say('warn', error.message)
      isAway = true
    }
    const state = documentIn(rolloutStateDocument, mine.view.entries.get(KEYS.rollout))
    if (mine.term !== null && !isAway && state !== null && onState?.(state) === true) stop.abort()
    else if (!more) await waker.wait(isAway ? RETRY_MS : leaseMs / 3)
  }
  await following

  async function keepFollowing(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow(mine.view, store, now, signal, waker.wake)
      } catch (error) {
        // The turns tell of it.
        if (!isDomain(error, 'store')) throw error
      }
      await clock.sleep(RETRY_MS, signal)
    }
  }
}
