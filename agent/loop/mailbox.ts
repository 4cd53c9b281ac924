import { type RestartReport } from '../../reconciler/index.ts'
import { type Clock } from '../ports/index.ts'
import { type News } from './source.ts'

/** What has come up since the last turn, folded together: an agent acts on what there is, not on each message. */
export interface Pending {
  /** Everything is to be compared, and why. */
  all: string | null
  /** Qubes to look at, and what says so. */
  readonly qubes: Map<string, Set<string>>
  /** The repository is to be looked at. */
  look: boolean
  /** What a look at the repository found. */
  news: News | null
  /** Restarts that have come about, or not. */
  readonly restarts: RestartReport[]
  /** Something is known that has not been told yet, or has been ordered. */
  told: boolean
}

/** Adds a qube to those to look at, or another reason. */
export function lookAt({ qubes }: Pick<Pending, 'qubes'>, qube: string, why: string): void {
  const before = qubes.get(qube)
  if (before === undefined) qubes.set(qube, new Set([why]))
  else before.add(why)
}

export interface Mailbox {
  /** Adds something; whoever waits is woken. */
  post(add: (pending: Pending) => void): void
  /** Waits for something to be posted, until a time, or the end. What is there is taken. */
  take(until: Date | null): Promise<Pending>
}

/** Events come in bursts: what comes within this many milliseconds of the first is looked at together. */
const GATHER_MS = 150

const nothing = (): Pending => ({
  all: null,
  qubes: new Map(),
  look: false,
  news: null,
  restarts: [],
  told: false,
})

export function openMailbox(clock: Clock, signal: AbortSignal): Mailbox {
  let pending = nothing()
  let wake: () => void = () => undefined
  const isEmpty = (): boolean => {
    const { all, qubes, look, news, restarts, told } = pending
    return all === null && qubes.size === 0 && !look && news === null && restarts.length === 0 && !told
  }
  signal.addEventListener(
    'abort',
    () => {
      wake()
    },
    { once: true },
  )
  return {
    post(add) {
      add(pending)
      if (!isEmpty()) wake()
    },
    async take(until) {
      if (isEmpty() && !signal.aborted) {
        const over = new AbortController()
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        const waits =
          until === null
            ? []
            : [clock.sleep(Math.max(0, until.getTime() - clock.now().getTime()), over.signal)]
        await Promise.race([woken, ...waits])
        over.abort()
        wake = () => undefined
      }
      // A person who waits for an answer is no burst.
      if (pending.qubes.size > 0 && !pending.look) await clock.sleep(GATHER_MS, signal)
      const taken = pending
      pending = nothing()
      return taken
    },
  }
}
