import { type Controller, controllerTurn, newController } from '../../../fleet/controller/controller.ts'
import { follow } from '../../../fleet/controller/follow.ts'
import { type Member, memberTurn } from '../../../fleet/member/member.ts'
import { QstateError } from '../../../spec/diagnostics/index.ts'
import { type Commit, makeAgent, type SimulatedHost } from './host.ts'
import { type Link, linkedStore, reach, type Server, type Weather } from './network.ts'
import { type Scheduler } from './scheduler.ts'

const LEASE_MS = 120_000
const CONTROLLER_TICK_MS = 40_000
const MEMBER_TICK_MS = 90_000

export interface World {
  readonly scheduler: Scheduler
  readonly server: Server
  readonly weather: Weather
  readonly commits: ReadonlyMap<string, Commit>
  /** What controllers and hosts said, for whoever looks for a mistake. */
  readonly say: (who: string, message: string) => void
}

/** A process that can be killed, put to sleep and cut off. */
export interface Machine {
  readonly name: string
  readonly link: Link
}

const newLink = (isSilenced: () => boolean): Link => ({ cut: false, dead: false, asleepUntil: 0, isSilenced })

/** Clocks of machines differ, run a little too fast or too slow, and may stop while the machine sleeps. */
function clockOf(link: Link, { random, nowMs }: Scheduler): () => number {
  const start = random.below(1_000_000_000)
  const rate = 0.98 + random.below(5) / 100
  const stopsAsleep = random.below(2) === 0
  let last = nowMs()
  let shown = start
  return () => {
    const now = nowMs()
    const awakeSince = stopsAsleep ? Math.max(last, Math.min(now, link.asleepUntil)) : last
    shown += (now - awakeSince) * rate
    last = now
    return shown
  }
}

export function startController(name: string, world: World): Machine {
  const { scheduler, server, weather } = world
  const link = newLink(() => false)
  const store = linkedStore(server, link, weather, scheduler)
  const now = clockOf(link, scheduler)
  const mine: Controller = newController(now())
  const context = {
    store,
    who: name,
    leaseMs: LEASE_MS,
    now,
    say: (_: string, text: string) => {
      world.say(name, text)
    },
  }
  void follow(mine.view, store, now, new AbortController().signal, () => undefined).catch(only(QstateError))
  forever(link, scheduler, CONTROLLER_TICK_MS, () => controllerTurn(mine, context)).catch(
    (error: unknown) => {
      scheduler.fail(error)
    },
  )
  return { name, link }
}

export function startMember(host: SimulatedHost, world: World): Machine {
  const { scheduler, server, weather, commits } = world
  const link = newLink(() => host.silenced)
  const store = linkedStore(server, link, weather, scheduler)
  const mine: Member = { memory: host.memory, report: null, looked: null }
  const agent = makeAgent(host, commits, scheduler)
  let beats = 0
  const context = {
    host: host.name,
    store,
    agent,
    trust: { fleet: 'sim', keys: [] },
    save: (memory: Member['memory']) => {
      host.memory = memory
      return Promise.resolve()
    },
    at: () => '',
    say: (_: string, text: string) => {
      world.say(host.name, text)
    },
  }
  const turn = (): Promise<boolean> => memberTurn(mine, context, (beats += 1) % 2 === 0)
  forever(link, scheduler, MEMBER_TICK_MS, turn).catch((error: unknown) => {
    scheduler.fail(error)
  })
  return { name: host.name, link }
}

/** Turn after turn, until it is killed. What fails because the store is away is tried again; anything else is a mistake. */
async function forever(
  link: Link,
  scheduler: Scheduler,
  tickMs: number,
  turn: () => Promise<boolean>,
): Promise<void> {
  for (;;) {
    const more = await turn().catch(only(QstateError))
    await new Promise<void>((resolve) => {
      scheduler.after(more === true ? 100 : 1 + scheduler.random.below(2 * tickMs), () => {
        reach(link, scheduler, resolve)
      })
    })
  }
}

const only =
  (kind: typeof QstateError) =>
  (error: unknown): undefined => {
    if (!(error instanceof kind)) throw error
    return undefined
  }
