import { setMaxListeners } from 'node:events'
import {
  branchSource,
  makeMetrics,
  openNotifier,
  openStore,
  orderedSource,
  serve,
  type Turn,
} from '../../agent/index.ts'
import { openMirror } from '../../git/index.ts'
import { fleetLayout, pathsLayout } from '../../git/layout/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import { problem, QstateError, utcMinute } from '../../spec/diagnostics/index.ts'
import { HOST_NAME } from '../../spec/index.ts'
import { type Context } from '../index.ts'
import { connect, type HostTarget } from '../host/index.ts'
import { agentFolder, mirrorIn } from '../source/index.ts'
import { wallClock } from './clock.ts'
import { agentHost, currentTables } from './host.ts'
import { joinFleet } from './join-fleet.ts'
import { keepHost } from './keep-host.ts'
import { asOnlyAgent } from './only-agent.ts'
import { type Say } from './say.ts'

/** What an agent has of the process that it is. */
export interface AgentParts {
  readonly version: string
  readonly say: Say
  /** Told after each turn of the loop. */
  readonly onTurn: (turn: Turn) => void
  /** Calls the listener when a person wants the agent to look now. */
  readonly onHangup: (listener: () => void) => void
}

/** Keeps a host as its repository, or its fleet, says, until the signal fires. There is one agent a host. */
export async function runHostAgent(
  config: AgentConfig,
  target: HostTarget,
  context: Context,
  parts: AgentParts,
): Promise<void> {
  // Ends all parts when one does: a process that only seems to be alive would not be restarted.
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  // Each call under way listens to it, and each of the agent's parts.
  setMaxListeners(100, signal)
  const own: Context = { ...context, signal }
  const folder = agentFolder(connect(target, own))
  const holder = await asOnlyAgent(folder, own, notAgain, async () => {
    let running: readonly Promise<void>[] = []
    try {
      running = await begin(config, target, folder, own, parts)
      // None of them ends before the signal fires; where one fails, so does the process.
      await Promise.race(running)
      await Promise.all(running)
    } finally {
      over.abort()
      await Promise.allSettled(running)
    }
  })
  if (holder === null) return
  const { pid, since } = holder
  throw new QstateError(
    problem(
      'locked',
      `another agent keeps this host: process ${pid}, since ${utcMinute(since)}`,
      'there is one agent a host: `systemctl status qstate-agent` tells of it',
    ),
  )
}

const notAgain = (): Promise<boolean> => Promise.resolve(false)

/** Starts everything that runs until the signal fires. */
async function begin(
  config: AgentConfig,
  target: HostTarget,
  folder: string,
  context: Context,
  parts: AgentParts,
): Promise<readonly Promise<void>[]> {
  const { say } = parts
  const { signal, now } = context
  const { source, verify, fleet } = config
  const name = nameInFleet(config, context)
  const metrics = makeMetrics(parts.version)
  const clock = wallClock(context)
  const store = openStore(folder)
  const tables = currentTables()
  const traced: Context = {
    ...context,
    onCall: ({ call, outcome }) => {
      // That nothing is set is an answer, too.
      metrics.call(outcome === 'ok' || outcome.startsWith('unknown-') ? 'answered' : 'failed')
      say('debug', `${call}: ${outcome}`)
    },
  }
  const connection = connect(target, traced, tables.tables)
  const host = agentHost(
    { connection, tables, folder, kind: 'agent', restartTimeoutMs: config.restartTimeoutMs, clock },
    { ...traced, actor: `agent@${context.machine}` },
  )
  const where = `${source.url} ${source.ref.kind} ${source.ref.name}`
  const place = { files: [fleet?.file ?? ''], host: name }
  const commits = (fleet === null ? branchSource : orderedSource)(openMirror(mirrorIn(folder), source), {
    trust: verify,
    commits: verify.commits,
    layout: fleet === null ? pathsLayout(source.paths) : fleetLayout(place),
  })
  const { notify } = openNotifier(config.notify, { clock, signal, say })
  let wakeFleet = (): void => undefined
  let { memory } = await store.load()
  if (config.listen !== null)
    await listen(config.listen, { metrics, memory: () => memory, now, say }, signal, say)
  sayHow(config, host.where, where, say)
  const kept = await keepHost({
    policies: config,
    follows: {
      lookEvery: source.everyMs,
      where,
      paths: fleet === null ? source.paths : place.files,
      fleet: fleet === null ? null : { name: fleet.name, host: name },
    },
    ...{ source: commits, host, store, clock, name: context.machine, signal, say },
    onTurn: (turn) => {
      memory = turn.memory
      metrics.turn(turn)
      wakeFleet()
      parts.onTurn(turn)
    },
    onNotice: (notice) => {
      metrics.notice(notice.kind)
      notify(notice)
    },
  })
  parts.onHangup(kept.nudge)
  if (fleet === null) return [kept.running]
  const membership = joinFleet({
    ...{ fleet, folder, say, name, target, policies: config, source: commits, store },
    context: traced,
    memory: kept.memory,
    onOrdered: kept.onOrdered,
    onFleet: kept.onFleet,
    onTurn: (wake) => {
      wakeFleet = wake
    },
  })
  return [kept.running, membership]
}

function sayHow({ fleet, policy, verify }: AgentConfig, host: string, where: string, say: Say): void {
  const says = fleet === null ? `as ${where} says` : `as the fleet ${fleet.name} orders, out of ${where}`
  say('info', `keeps ${host} ${says}`, { commits: policy.commits, signed: verify.by })
  if (verify.by === 'none')
    say('warn', 'commits need no signature: whoever may push decides what this host becomes')
}

async function listen(
  place: string,
  served: Parameters<typeof serve>[1],
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  try {
    await serve(place, served, signal)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const hint =
      'give `listen` in the agent’s file a place that is free, in a folder that is there; somebody else’s socket is left alone'
    throw new QstateError(problem('cannot-listen', `cannot listen on ${place}: ${why}`, hint))
  }
  say('info', `tells metrics, health and status on ${place}`)
}

function nameInFleet({ fleet }: AgentConfig, { machine }: Context): string {
  const name = fleet?.host ?? machine
  if (fleet === null || HOST_NAME.test(name)) return name
  throw new QstateError(
    problem(
      'no-host-name',
      `${name} is no name of a host in a fleet`,
      'give it one with `host` of `fleet`, in the agent’s own file',
    ),
  )
}
