import { setMaxListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type AgentHost,
  branchSource,
  type Clock,
  gateAt,
  makeMetrics,
  openNotifier,
  openStore,
  orderedSource,
  runAgent,
  serve,
} from '../../agent/index.ts'
import {
  agentHost,
  type AgentOptions,
  agentPlace,
  currentTables,
  readAgentFile,
  takePart,
} from '../../app/agent/index.ts'
import { type HostWay } from '../../app/fleet/index.ts'
import { fleetLayout, openMirror, pathsLayout } from '../../git/index.ts'
import { takeLock } from '../../journal/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import { EXIT, isSystemError, problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { HOST_NAME } from '../../spec/index.ts'
import { agentLog, type Say } from '../agent-log.ts'
import { type Io } from '../io.ts'
import { turnLines } from '../views/turn-lines.ts'
import { showTime } from '../views/value.ts'
import { ownVersion } from './version.ts'

/** Keeps the host as the repository says, until it is stopped. */
export async function agent(options: AgentOptions, io: Io): Promise<number> {
  // A hang-up that nobody listens to ends the process. One that comes before the loop asks for what it does first anyway.
  let nudge = (): void => undefined
  io.onHangup(() => {
    nudge()
  })
  const onHangup = (listener: () => void): void => {
    nudge = listener
  }
  const { config } = readAgentFile(options, io)
  const say = await agentLog(options, io)
  io.onStop((name) => {
    say('info', `${name}: ends when the call under way is done; once more ends it at once`)
  })
  // Ends all parts when one does: a process that only seems to be alive would be restarted by nobody.
  const over = new AbortController()
  const signal = AbortSignal.any([io.signal, over.signal])
  // Each call under way listens to it, and each of the agent's parts.
  setMaxListeners(100, signal)
  const metrics = makeMetrics(ownVersion())
  const tables = currentTables()
  const quiet: Io = {
    ...io,
    signal,
    errIsTerminal: false,
    inIsTerminal: false,
    err: (text) => {
      say('warn', text.trim())
    },
  }
  const { connection, folder, mirror } = await agentPlace(
    {
      ...options,
      // Its own log tells them.
      verbose: false,
      onCall: (call, outcome) => {
        // That nothing is set is an answer, too.
        metrics.call(outcome === 'ok' || outcome.startsWith('unknown-') ? 'answered' : 'failed')
        say('debug', `${call}: ${outcome}`)
      },
    },
    quiet,
    tables.tables,
  )
  const name = hostInFleet(config, io)
  const lock = await lockAgent(folder, io)
  let running: readonly Promise<void>[] = []
  try {
    const clock: Clock = {
      now: () => io.now(),
      sleep: (ms, signal) => wait(Math.min(ms, MAX_TIMER_MS), undefined, { signal }).catch(() => undefined),
    }
    const host = agentHost(tables, {
      global: options,
      io: quiet,
      connection,
      restartTimeout: Math.ceil(config.restartTimeoutMs / 1000),
      sleep: (ms) => clock.sleep(ms, signal),
    })
    const way = { options: { ...options, verbose: false }, io: quiet }
    const parts = { say, metrics, host, name, way, clock, folder, mirror, signal, onHangup }
    running = await live(config, parts, io)
    // None of them ends before the signal fires; where one fails, so does the process.
    await Promise.race(running)
    await Promise.all(running)
    return EXIT.done
  } finally {
    over.abort()
    await Promise.allSettled(running)
    // The lock of a process that has ended holds nothing; what went wrong before is what there is to tell.
    await lock.release().catch((error: unknown) => {
      if (!isSystemError(error)) throw error
    })
  }
}

/** Notices of what the loop has said in its log already. */
const LOGGED: ReadonlySet<string> = new Set([
  'refused',
  'unreachable',
  'reachable',
  'fleet-away',
  'fleet-back',
  'error',
])

/** What a timer of Node takes at most. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Parts {
  readonly say: Say
  readonly metrics: ReturnType<typeof makeMetrics>
  readonly host: AgentHost
  /** What its fleet calls it. */
  readonly name: string
  readonly way: HostWay
  readonly clock: Clock
  readonly folder: string
  readonly mirror: string
  readonly signal: AbortSignal
  readonly onHangup: (listener: () => void) => void
}

/** Begins all that goes on until the signal fires. */
async function live(config: AgentConfig, parts: Parts, io: Io): Promise<readonly Promise<void>[]> {
  const { say, metrics, host, clock, folder, mirror, signal } = parts
  const { source, verify, policy, fleet } = config
  const store = openStore(folder)
  let { memory } = await store.load()
  let wakeFleet = (): void => undefined
  if (config.listen !== null) {
    await serve(config.listen, { metrics, memory: () => memory, now: () => io.now(), say }, signal).catch(
      (error: unknown) => {
        throw cannotListen(config.listen ?? '', error)
      },
    )
    say('info', `tells metrics, health and status on ${config.listen}`)
  }
  const notify = openNotifier(config.notify, { clock, signal, say })
  const where = `${source.url} ${source.ref.kind} ${source.ref.name}`
  const says = fleet === null ? `as ${where} says` : `as the fleet ${fleet.name} orders, out of ${where}`
  say('info', `keeps ${host.where} ${says}`, { mode: policy.mode, signed: verify.by })
  if (verify.by === 'none')
    say('warn', 'commits need no signature: whoever may push decides what this host becomes')
  const place = { files: [fleet?.file ?? ''], host: parts.name }
  const looking = (fleet === null ? branchSource : orderedSource)(openMirror(mirror, source), {
    trust: verify,
    commits: verify.commits,
    layout: fleet === null ? pathsLayout(source.paths) : fleetLayout(place),
  })
  let wakeLoop = (): void => undefined
  let tellLoop: (trouble: Problem | null) => void = () => undefined
  const keeping = runAgent({
    settings: {
      policy,
      lookEvery: source.everyMs,
      compareEvery: config.compareMs,
      where,
      paths: fleet === null ? source.paths : place.files,
      fleet: fleet === null ? null : { name: fleet.name, host: place.host },
      gate: (now) => gateAt(config, now),
    },
    source: looking,
    host,
    store,
    clock,
    hostname: io.hostname,
    signal,
    onOrder: (listener) => {
      wakeLoop = listener
    },
    onFleet: (listener) => {
      tellLoop = listener
    },
    onNudge: (listener) => {
      parts.onHangup(listener)
      store.onOrders(listener, signal).catch((error: unknown) => {
        // The kernel watches only so many folders. Orders are read at every turn, and before every apply.
        say('warn', 'orders of a person are not heard at once, but at the next turn', { why: String(error) })
      })
    },
    tell: (notice) => {
      metrics.notice(notice.kind)
      if (!LOGGED.has(notice.kind)) say('info', notice.text, { notice: notice.kind })
      notify(notice)
    },
    watch: {
      say,
      turn: (told) => {
        memory = told.memory
        metrics.turn(told)
        wakeFleet()
        for (const { level, text, about } of turnLines(told)) say(level, text, about)
      },
    },
  })
  if (fleet === null) return [keeping]
  const { name, way } = parts
  const context = { config, fleet, name, way, source: looking, store, folder, say, signal }
  const part = takePart({
    ...context,
    memory: () => memory,
    now: () => io.now(),
    onOrdered: () => {
      wakeLoop()
    },
    onFleet: (trouble) => {
      tellLoop(trouble)
    },
    onTurn: (wake) => {
      wakeFleet = wake
    },
  })
  return [keeping, part]
}

function hostInFleet({ fleet }: AgentConfig, io: Io): string {
  const name = fleet?.host ?? io.hostname
  if (fleet === null || HOST_NAME.test(name)) return name
  throw new QstateError(
    problem(
      'no-host-name',
      `${name} is no name of a host in a fleet`,
      'give it one with `host` of `fleet`, in the agent’s own file',
    ),
  )
}

function cannotListen(listen: string, error: unknown): QstateError {
  const why = error instanceof Error ? error.message : String(error)
  const hint =
    'give `listen` in the agent’s file a place that is free, in a folder that is there; somebody else’s socket is left alone'
  return new QstateError(problem('cannot-listen', `cannot listen on ${listen}: ${why}`, hint))
}

async function lockAgent(folder: string, io: Io): Promise<{ release(): Promise<void> }> {
  const who = `${io.username}@${io.hostname}`
  const lock = await takeLock(folder, {
    who,
    now: io.now().toISOString(),
    again: () => Promise.resolve(false),
  })
  if (lock.kind === 'held') return lock
  const { pid, since } = lock.holder
  throw new QstateError(
    problem(
      'locked',
      `another agent keeps this host: process ${pid}, since ${showTime(since)}`,
      'there is one agent a host: `systemctl status qstate-agent` tells of it',
    ),
  )
}
