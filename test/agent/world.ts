import { setMaxListeners } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runAgent } from '../../agent/loop/loop.ts'
import { type News, type Source } from '../../agent/loop/source.ts'
import { type Notice } from '../../agent/notify/notifications.ts'
import { gateAt } from '../../agent/policy/calendar.ts'
import { type Clock, type HostNews } from '../../agent/ports/ports.ts'
import { type Memory, type Ordered } from '../../documents/agent/index.ts'
import { openStore } from '../../agent/state/store.ts'
import { type Turn } from '../../agent/state/turn.ts'
import { agentHost, currentTables } from '../../app/agent/host.ts'
import { type Context } from '../../app/context.ts'
import { connect, type Connection, type Tables } from '../../app/host/connect.ts'
import { type HostTarget } from '../../app/host/target.ts'
import { qubesHost } from '../../app/host/qubesd/qubesd-host.ts'
import { slicFiles } from '../../app/host/slic/files.ts'
import { createClient } from '../../qubesd/client.ts'
import { decodeEvents } from '../../qubesd/codec.ts'
import { socketTransport } from '../../qubesd/socket.ts'
import { type Transport } from '../../qubesd/transport.ts'
import { encodeEvent } from '../../simulator/wire/wire.ts'
import { type AgentConfig, type Freeze, type Window } from '../../spec/agent/model.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type TestHost } from '../support/host.ts'

/** Time that stands still until it is told to go on. */
interface VirtualClock extends Clock {
  /** The next time that somebody waits for, in milliseconds since the epoch. */
  next(): number | undefined
  set(time: number): void
  /** What passes, whatever anybody sets the clock to, in the same milliseconds. */
  steady(): number
  /** Sets the clock forth or back, as a person does: who sleeps, sleeps on. */
  shift(ms: number): void
  /** Nobody is ever woken again. */
  stop(): void
}

function virtualClock(start: string): VirtualClock {
  let time = Date.parse(start)
  let shifted = 0
  let isStopped = false
  const waiters = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    now: () => new Date(time + shifted),
    steady: () => time,
    shift(ms) {
      shifted += ms
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (isStopped) return
        const waiter = {
          at: time + ms,
          wake: () => {
            waiters.delete(waiter)
            signal.removeEventListener('abort', waiter.wake)
            resolve()
          },
        }
        waiters.add(waiter)
        if (signal.aborted) waiter.wake()
        else signal.addEventListener('abort', waiter.wake, { once: true })
      }),
    next: () => (waiters.size === 0 ? undefined : Math.min(...[...waiters].map(({ at }) => at))),
    set(to) {
      time = to
      for (const waiter of [...waiters]) if (waiter.at <= to) waiter.wake()
    },
    stop() {
      isStopped = true
      waiters.clear()
    },
  }
}

/** A branch that a test moves: commits with their specs, good or not. */
interface Branch {
  readonly commits: Map<string, BranchCommit>
  tip: string | null
  reachable: boolean
  /** A mistake in the code that looks at it. */
  bug: Error | null
  /** The server takes the question and does not answer, until this resolves. */
  stalled: Promise<void> | null
  /** Adds a commit on top. Its name. */
  commit(yaml: string, how?: 'signed' | 'unsigned'): string
  /** Sets the branch back to an earlier commit. */
  rewind(to: string): void
}

interface BranchCommit {
  readonly yaml: string
  readonly signed: boolean
  readonly parent: string | null
}

function makeBranch(): Branch {
  const commits = new Map<string, BranchCommit>()
  const branch: Branch = {
    commits,
    tip: null,
    reachable: true,
    bug: null,
    stalled: null,
    commit(yaml, how = 'signed') {
      const name = (commits.size + 1).toString(16).padStart(40, '0')
      commits.set(name, { yaml, signed: how === 'signed', parent: branch.tip })
      branch.tip = name
      return name
    },
    rewind(to) {
      branch.tip = to
    },
  }
  return branch
}

/** Judges as the real one does, without git. */
function sourceOf(branch: Branch, inFleet: boolean): Source {
  const revision = (commit: string) => ({
    gitDir: '/mirror.git',
    commit,
    files: new Map([['host.yaml', branch.commits.get(commit)?.yaml ?? '']]),
    read: () => 'there are no tables here',
  })
  /** Commits after one, up to the tip; undefined where the tip does not come after it. */
  const since = (base: string, tip: string): readonly BranchCommit[] | undefined => {
    const found: BranchCommit[] = []
    for (let at: string | null = tip; at !== null; at = branch.commits.get(at)?.parent ?? null) {
      if (at === base) return found
      found.push(branch.commits.get(at) as BranchCommit)
    }
    return undefined
  }
  return {
    async look({ base, accepted, ordered }) {
      await branch.stalled
      if (branch.bug !== null) throw branch.bug
      const { reachable } = branch
      const tip = inFleet ? (ordered?.commit ?? base?.commit ?? null) : branch.tip
      if (tip === null && inFleet) return { kind: 'nothing' }
      if (!reachable || tip === null) {
        const unreached = problem('git-failed', 'git fetch: nobody answers', 'see to the network')
        return { kind: 'unreachable', problem: unreached }
      }
      if (tip === base?.commit && base.known) return { kind: 'unchanged', commit: tip }
      const refuse = (code: 'rewound' | 'bad-signature'): News => ({
        kind: 'refused',
        commit: tip,
        problem: problem(code, code, ''),
      })
      const range = base === null ? [branch.commits.get(tip) as BranchCommit] : since(base.commit, tip)
      if (range === undefined && accepted !== tip && ordered?.back !== true) return refuse('rewound')
      const judged = range ?? [branch.commits.get(tip) as BranchCommit]
      if (judged.some(({ signed }) => !signed)) return refuse('bad-signature')
      return { kind: 'commit', commit: tip, revision: revision(tip), signers: 'alice', backdated: false }
    },
    recall: (commit) => (branch.commits.has(commit) ? revision(commit) : null),
  }
}

export interface AgentWorldOptions {
  readonly policy: AgentConfig['policy']
  readonly windows?: readonly Window[]
  readonly freezes?: readonly Freeze[]
  readonly start?: string
  readonly lookEvery?: number
  readonly compareEvery?: number
  /** Seconds that a qube may take to shut down. */
  readonly restartTimeout?: number
  /** The host takes the question for events and says nothing at all. */
  readonly silent?: boolean
  /** It takes orders, wherever the branch stands. */
  readonly inFleet?: boolean
  /** Of an agent that keeps the same host from elsewhere. */
  readonly stateDir?: string
}

/** The agent's loop on a simulated host over its socket, in virtual time. */
export interface AgentWorld {
  readonly clock: VirtualClock
  readonly branch: Branch
  readonly notices: Notice[]
  readonly turns: Turn[]
  /** What was said, `LEVEL MESSAGE`. */
  readonly log: string[]
  memory(): Memory
  store(): ReturnType<typeof openStore>
  /** Where lock and history are. */
  place(): string
  /** The host, and what surrounds a use case, beside the agent. */
  readonly target: HostTarget
  context(): Context
  /** Begins the agent: the first time, or after a kill. */
  begin(): void
  /** What is saved takes until this resolves. */
  saving: Promise<void> | null
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>
  /** Ends it as SIGKILL does: nothing that it has begun goes on. */
  kill(): Promise<void>
  nudge(): void
  /** Has the fleet order a commit. */
  order(ordered: Ordered): Promise<void>
  /** What the fleet's part finds of its servers. */
  fleet(trouble: Problem | null): void
  /** The daemon is away, or there again. */
  away(isAway: boolean): Promise<void>
  /** Until the agent waits for time to go by. */
  settle(): Promise<void>
  /** Lets time go by, waking whoever waits in it. */
  pass(ms: number): Promise<void>
}

interface Run {
  readonly stop: AbortController
  readonly feed: Feed
  readonly done: Promise<void>
  nudge: () => void
  wake: () => void
  fleet: (trouble: Problem | null) => void
  dead: boolean
}

export function agentWorld(host: TestHost, options: AgentWorldOptions): AgentWorld {
  const clock = virtualClock(options.start ?? '2026-11-26T08:00:00')
  const branch = makeBranch()
  const [notices, turns, log]: [Notice[], Turn[], string[]] = [[], [], []]
  let run: Run | undefined
  let time = clock
  let exchanges = 0
  let isAway = false

  const transportOf = (mine: Run): Transport => {
    const real = socketTransport(host.socket)
    return {
      ...real,
      async exchange(call, how) {
        if (mine.dead) return forever()
        exchanges += 1
        try {
          return await real.exchange(call, how)
        } finally {
          exchanges -= 1
          // What a killed process asked for may be done; it never learns of it.
          if (isDead(mine)) await forever()
        }
      },
    }
  }
  const contextOf = (signal: AbortSignal): Context => ({
    signal,
    now: () => time.now(),
    pause: (ms) => time.sleep(ms, signal),
    progress: () => undefined,
    warn: ({ message }) => void log.push(`err ${message}`),
    report: (diagnostics) => void log.push(...diagnostics.map(({ message }) => `err ${message}`)),
    actor: 'agent@test-host',
    machine: 'test-host',
    cwd: host.folder,
  })
  const target: HostTarget = {
    transport: { kind: 'socket', path: host.socket },
    slicRoot: null,
    stateDir: join(host.folder, options.stateDir ?? 'state'),
    concurrency: 8,
    timeoutMs: 60_000,
  }
  const context = (): Context => contextOf(new AbortController().signal)
  const place = (): string => connect(target, context()).stateFolder

  const begin = (): void => {
    const mine: Run = {
      stop: new AbortController(),
      feed: openFeed(host, isAway, options.silent === true),
      done: Promise.resolve(),
      nudge: () => undefined,
      wake: () => undefined,
      fleet: () => undefined,
      dead: false,
    }
    run = mine
    setMaxListeners(100, mine.stop.signal)
    const tables = currentTables()
    const client = createClient(transportOf(mine), { signal: mine.stop.signal, timeoutMs: 20_000 })
    const connectionWith = (known: Tables): Connection => ({
      ...connect(target, context()),
      host: qubesHost({ client, slic: slicFiles(host.dom0, known) }),
      events: (signal) => mine.feed.events(signal),
      withTables: connectionWith,
    })
    const connection = connectionWith(tables.tables)
    const clock = {
      now: () => time.now(),
      sleep: (ms: number, signal: AbortSignal) => time.sleep(ms, signal),
    }
    const folder = join(place(), 'agent')
    const restartTimeoutMs = (options.restartTimeout ?? 900) * 1000
    const store = openStore(folder)
    const running = runAgent({
      settings: {
        policy: options.policy,
        lookEvery: options.lookEvery ?? 300_000,
        compareEvery: options.compareEvery ?? 3_600_000,
        where: 'a branch',
        paths: ['.'],
        fleet: options.inFleet === true ? { name: 'office', host: 'laptop' } : null,
        gate: (now) => gateAt({ windows: options.windows ?? [], freezes: options.freezes ?? [] }, now),
      },
      source: sourceOf(branch, options.inFleet === true),
      host: agentHost(
        { connection, tables, folder, kind: 'agent', restartTimeoutMs, clock },
        contextOf(mine.stop.signal),
      ),
      store: {
        ...store,
        async save(memory) {
          if (mine.dead) await forever()
          await world.saving
          return store.save(memory)
        },
      },
      clock,
      hostname: 'test-host',
      signal: mine.stop.signal,
      onNudge: (listener) => {
        mine.nudge = listener
      },
      onFleet: (listener) => {
        mine.fleet = listener
      },
      onOrder: (listener) => {
        mine.wake = listener
      },
      tell: (notice) => void notices.push(notice),
      watch: {
        turn: (turn) => void turns.push(turn),
        say: (level, message) => void log.push(`${level} ${message}`),
      },
    })
    Object.assign(mine, { done: running })
    running.catch((error: unknown) => void log.push(`BUG ${String(error)}`))
  }

  const isBusy = (): boolean =>
    exchanges > 0 || process.getActiveResourcesInfo().some((name) => /^(?:FSReq|CloseReq)/.test(name))
  // Plain callbacks: the runner tracks every promise, and a day of the agent has a hundred thousand of these rounds.
  const settle = (): Promise<void> =>
    new Promise((resolve) => {
      let still = 0
      const look = (): void => {
        still = isBusy() ? 0 : still + 1
        if (still === 4) resolve()
        else if (still === 0) setTimeout(look, 1)
        else setImmediate(look)
      }
      setImmediate(look)
    })
  const world: AgentWorld = {
    get clock() {
      return time
    },
    saving: null,
    branch,
    notices,
    turns,
    log,
    memory() {
      const last = turns.at(-1)
      if (last === undefined) throw new Error('the agent has not had a turn yet')
      return last.memory
    },
    store: () => openStore(join(place(), 'agent')),
    place,
    target,
    context,
    begin,
    async stop() {
      const mine = run
      run = undefined
      mine?.stop.abort('SIGTERM')
      await mine?.done
    },
    async kill() {
      if (run === undefined) return
      run.dead = true
      run.feed.close()
      time.stop()
      const fresh = virtualClock(time.now().toISOString())
      time = fresh
      await settle()
      // The lock of a dead process counts for nothing; here it is the process of the test, which lives.
      await rm(join(place(), 'lock'), { force: true })
    },
    nudge: () => {
      run?.nudge()
    },
    async order(ordered) {
      await openStore(join(place(), 'agent')).order(ordered)
      run?.wake()
    },
    fleet: (trouble) => {
      run?.fleet(trouble)
    },
    async away(away) {
      isAway = away
      if (!away) await host.simulator.restart()
      run?.feed.away(away)
    },
    settle,
    async pass(ms) {
      const mine = time
      const end = mine.steady() + ms
      await settle()
      for (let next = mine.next(); next !== undefined && next <= end; next = mine.next()) {
        mine.set(Math.max(next, mine.steady()))
        await settle()
      }
      mine.set(end)
      await settle()
    },
  }
  return world
}

/** A call, for TypeScript: what was false before a wait need not be so after it. */
const isDead = (run: Run): boolean => run.dead

const forever = (): Promise<never> => new Promise(() => undefined)

/** The host's events as they come over the wire, without the time that a wire takes. */
interface Feed {
  events(signal: AbortSignal): AsyncIterable<HostNews>
  away(isAway: boolean): void
  close(): void
}

function openFeed(host: TestHost, isAway: boolean, isSilent: boolean): Feed {
  const news: HostNews[] = isSilent ? [] : isAway ? [lost()] : [{ kind: 'connected' }]
  let away = isAway
  let wake = (): void => undefined
  const push = (one: HostNews): void => {
    news.push(one)
    wake()
  }
  const hear = (event: Parameters<typeof encodeEvent>[0]): void => {
    if (away || isSilent) return
    const decoded = decodeEvents(encodeEvent(event))
    if ('events' in decoded) for (const one of decoded.events) push({ kind: 'event', event: one })
  }
  host.simulator.host.listeners.add(hear)
  return {
    async *events(signal) {
      signal.addEventListener('abort', () => {
        wake()
      })
      for (;;) {
        const next = news.shift()
        if (signal.aborted) return
        if (next !== undefined) yield next
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    },
    away(isNow) {
      away = isNow
      push(isNow ? lost() : { kind: 'connected' })
    },
    close() {
      host.simulator.host.listeners.delete(hear)
    },
  }
}

const lost = (): HostNews => ({
  kind: 'lost',
  problem: problem('daemon-unreachable', 'the event stream ended', 'qubesd was stopped or restarted'),
})
