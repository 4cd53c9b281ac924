import { join } from 'node:path'
import { openNotifier, openStore } from '../../agent/index.ts'
import { type MemberStore, runMember, type Store } from '../../fleet/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import {
  agentHost,
  asOnlyAgent,
  currentTables,
  followedAgent,
  keepHost,
  memberDisk,
  type Say,
  steadyClock,
  wallClock,
} from '../agent/index.ts'
import { type Context } from '../index.ts'
import { connect } from '../host/index.ts'
import { type DirectHost, directHosts, directTrust } from './direct-hosts.ts'
import { type FleetFile } from './fleet-file.ts'

export interface MembersRun {
  readonly file: FleetFile
  readonly policies: HostPolicies
  /** Ends them, between two writes: `context.signal` also ends what is under way. */
  readonly signal: AbortSignal
  readonly say: (host: string, ...line: Parameters<Say>) => void
}

const LOOK_EVERY_MS = 1000
const BEAT_EVERY_MS = 10_000
/** The repository changes nothing by itself: only what is ordered out of it is looked for. */
const REPOSITORY_EVERY_MS = 5 * 60_000
/** Notices that are on their way when all ends. */
const LAST_NOTICES_MS = 5000

/** Runs the loop of an agent for each host that has none and is reached from here, and its part in the fleet. */
export async function runDirectMembers(store: Store, run: MembersRun, context: Context): Promise<void> {
  const own: MemberStore = { ...store, onNews: () => undefined, isConnected: () => true }
  const direct = directHosts(run.file.fleet.hosts.values(), run.file)
  await Promise.all(direct.map((host) => runAlone(host, own, run, quiet(host, run, context))))
}

/** Reports only what the log of an agent would have. */
const quiet = ({ name }: DirectHost, { say }: MembersRun, context: Context): Context => ({
  ...context,
  progress: () => undefined,
  report: () => undefined,
  warn: ({ message, hint }) => {
    say(name, 'debug', message, { hint })
  },
})

/** One process keeps a host: another one on this machine stands by until that has ended. */
async function runAlone(
  host: DirectHost,
  store: MemberStore,
  run: MembersRun,
  context: Context,
): Promise<void> {
  const { signal } = run
  const again = async (): Promise<boolean> => {
    await steadyClock.sleep(LOOK_EVERY_MS, signal)
    return !signal.aborted
  }
  await asOnlyAgent(host.folder, context, again, () => runHost(host, store, run, context))
}

/** One host until the signal fires. */
async function runHost(
  host: DirectHost,
  store: MemberStore,
  run: MembersRun,
  context: Context,
): Promise<void> {
  const { name, target, source, folder, paths } = host
  const { file, policies, signal } = run
  const { fleet, checks } = file
  const say: Say = (...line) => {
    run.say(name, ...line)
  }
  const clock = wallClock(context)
  const tables = currentTables()
  const trust = directTrust(file)
  const restartTimeoutMs = policies.restartTimeoutMs
  const orders = openStore(folder)
  const closing = new AbortController()
  const notifier = openNotifier(policies.notify, {
    ...{ clock, say },
    signal: AbortSignal.any([context.signal, closing.signal]),
  })
  let wakeMember = (): void => undefined
  const kept = await keepHost({
    policies,
    follows: {
      lookEvery: REPOSITORY_EVERY_MS,
      where: file.folder,
      paths,
      fleet: { name: fleet.name, host: name },
    },
    host: agentHost(
      {
        ...{ connection: connect(target, context, tables.tables), tables, folder },
        ...{ kind: 'rollout', restartTimeoutMs, clock },
      },
      context,
    ),
    ...{ source, store: orders, clock, name, signal, say },
    onTurn: () => {
      wakeMember()
    },
    onNotice: notifier.notify,
  })
  const member = runMember({
    ...(await memberDisk(join(folder, 'member.json'), say)),
    host: name,
    store,
    trust,
    agent: followedAgent({
      ...{ name, target, checks, context, policies, trust, kind: 'rollout', source, store: orders },
      memory: kept.memory,
      onOrdered: kept.onOrdered,
    }),
    at: () => context.now().toISOString(),
    say,
    onStore: storeLog(say),
    clock: steadyClock,
    signal,
    lookEveryMs: LOOK_EVERY_MS,
    beatEveryMs: BEAT_EVERY_MS,
    onAgent: (wake) => {
      wakeMember = wake
    },
  })
  await Promise.all([kept.running, member])
  await Promise.race([notifier.delivered(), steadyClock.sleep(LAST_NOTICES_MS, closing.signal)])
  closing.abort()
}

/** Says once that the store is away, and once that it answers again. */
function storeLog(say: Say): Parameters<typeof runMember>[0]['onStore'] {
  let isAway = false
  return (error) => {
    if (error !== null && !isAway) say('warn', error.message)
    if (error === null && isAway) say('info', 'the store answers again')
    isAway = error !== null
  }
}
