import { type MemberMemory } from '../../documents/fleet/index.ts'
import { isDomain, type QstateError } from '../../spec/diagnostics/index.ts'
import { type Clock, makeWaker, type MemberStore } from '../store/index.ts'
import { answer, type PlanningAgent } from './ask.ts'
import { type FollowedAgent, type Member, type MemberContext, memberTurn } from './member.ts'

export interface MemberRun extends Omit<MemberContext, 'store' | 'agent'> {
  readonly store: MemberStore
  readonly agent: FollowedAgent & PlanningAgent
  readonly memory: MemberMemory
  readonly clock: Clock
  readonly signal: AbortSignal
  /** How often it looks by itself whether there is something to do or to say. */
  readonly lookEveryMs: number
  /** How often it is heard of although there is nothing to say. */
  readonly beatEveryMs: number
  /** Calls whenever the agent has something to say. */
  readonly onAgent?: (wake: () => void) => void
  /** Told after each turn: why the store could not be asked, or null. */
  readonly onStore: (error: QstateError | null) => void
}

/** A host's part in its fleet until the signal fires. The store may come and go: orders that stand are kept to meanwhile. */
export async function runMember(run: MemberRun): Promise<void> {
  const { clock, signal, store, onStore } = run
  const mine: Member = { memory: run.memory, report: null, looked: null }
  const waker = makeWaker(clock, signal)
  store.onNews(waker.wake)
  run.onAgent?.(waker.wake)
  let beatAt = clock.now()
  const asked = beside(run, waker.wake)
  while (!signal.aborted) {
    if (asked.broken !== null) throw asked.broken
    const isDue = clock.now() >= beatAt
    let more = false
    try {
      more = await memberTurn(mine, run, isDue)
      asked.begin()
      if (isDue) beatAt = clock.now() + run.beatEveryMs
      onStore(null)
    } catch (error) {
      if (!isDomain(error, 'store')) throw error
      // What we believed to be stored may be otherwise.
      mine.report = null
      onStore(error)
    }
    if (!more) await waker.wait(run.lookEveryMs)
  }
  await asked.busy
}

/** Answers to what is asked of the host, beside its turns: a plan may take minutes, and orders do not wait for it. */
interface Answers {
  begin(): void
  busy: Promise<void> | null
  /** What nobody foresaw. */
  broken: Error | null
}

function beside({ host, store, agent }: MemberRun, wake: () => void): Answers {
  let answered: string | null = null
  const answers: Answers = {
    busy: null,
    broken: null,
    begin() {
      answers.busy ??= answer(host, answered, store, agent)
        .then((id) => {
          answered = id
        })
        .catch((error: unknown) => {
          if (isDomain(error, 'store')) return
          answers.broken = error instanceof Error ? error : new Error(String(error))
          wake()
        })
        .finally(() => {
          answers.busy = null
        })
    },
  }
  return answers
}
