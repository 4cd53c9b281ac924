import { join } from 'node:path'
import { whoOf } from '../../cli/commands/apply.ts'
import { type Io } from '../../cli/io.ts'
import { type MemberStore, readMemory, runMember, type Store } from '../../fleet/index.ts'
import { makeFolder, readIfThere, writeDurably } from '../../journal/index.ts'
import { steadyClock } from './clock.ts'
import { allowedSigners, type FleetFile, type FleetOptions, placeOf } from './fleet-file.ts'
import { hostAgent } from './host-agent.ts'
import { type DirectHost, directHosts, wayTo } from './host-work.ts'
import { fleetFolder } from './open-store.ts'
import { orderedSpec } from './ordered-spec.ts'

export interface MemberPlan {
  readonly file: FleetFile
  readonly options: FleetOptions
  readonly io: Io
  readonly signal: AbortSignal
  readonly say: (who: string, level: 'info' | 'warn' | 'error', message: string) => void
}

const LOOK_EVERY_MS = 1000
const BEAT_EVERY_MS = 10_000
const COMPARE_EVERY_MS = 30_000

/** Takes part for the hosts that have no agent, and are reached from here: each as if it stood on its own. */
export async function runDirectMembers(store: Store, plan: MemberPlan): Promise<void> {
  const direct = directHosts(plan.file.fleet.hosts.values())
  const own: MemberStore = { ...store, onNews: () => undefined, isConnected: () => true }
  await Promise.all(direct.map((host) => runHost(host, own, plan)))
}

/** One host's part in the fleet until the signal fires. */
async function runHost(host: DirectHost, store: MemberStore, plan: MemberPlan): Promise<void> {
  const { file, options, io, signal, say } = plan
  const folder = join(fleetFolder(file.fleet, options, io), 'members', host.name)
  await makeFolder(folder)
  const agent = await hostAgent({
    name: host.name,
    way: wayTo(host.reach, { folder: file.folder, stateDir: folder }, options, { ...io, signal }),
    folder,
    checks: io.env['QSTATE_CHECKS'] ?? '/etc/qstate/checks',
    spec: orderedSpec(placeOf(file), host.name, allowedSigners(options, io)),
    who: whoOf(io),
    at: () => io.now().toISOString(),
    compareEveryMs: COMPARE_EVERY_MS,
  })
  const memory = join(folder, 'member.json')
  let isAway = false
  await runMember({
    host: host.name,
    store,
    agent,
    memory: readMemory(await readIfThere(memory)),
    save: (next) => writeDurably(memory, JSON.stringify(next)),
    at: () => io.now().toISOString(),
    say: (level, message) => {
      say(host.name, level, message)
    },
    onStore: (error) => {
      if (error !== null && !isAway) say(host.name, 'warn', error.message)
      if (error === null && isAway) say(host.name, 'info', 'the store answers again')
      isAway = error !== null
    },
    clock: steadyClock,
    signal,
    lookEveryMs: LOOK_EVERY_MS,
    beatEveryMs: BEAT_EVERY_MS,
    onAgent: (wake) => {
      agent.onChange(wake)
    },
  })
  await agent.settled()
}
