import { randomUUID } from 'node:crypto'
import { type HostPlan, hostPlanDocument } from '../../documents/fleet/index.ts'
import { ask, hostOf, KEYS, readEntry, type Store } from '../../fleet/index.ts'
import { type ChangeLine, mapLimited } from '../../reconciler/index.ts'
import { chooseWaves, type FleetHost } from '../../spec/fleet/index.ts'
import { planCommit, steadyClock } from '../agent/index.ts'
import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'
import { directHosts } from './direct-hosts.ts'
import { chosenRollout, type FleetFile } from './fleet-file.ts'
import { withStore } from './open-store.ts'

/** Hosts for which a rollout would do the same. */
interface PlanGroup {
  readonly kind: 'change' | 'nothing' | 'trouble' | 'silent'
  readonly digest: string | null
  readonly hosts: readonly string[]
  readonly changes: readonly ChangeLine[]
  /** Why nothing can be said of them. */
  readonly problem: Problem | null
}

export interface RolloutPlan {
  readonly rollout: string
  readonly revision: string
  readonly commit: string
  readonly groups: readonly PlanGroup[]
}

export interface RolloutPlanOptions {
  /** How long agents are waited for. */
  readonly waitMs: number
  /** Told how many agents are asked, before they are waited for. */
  readonly onAsk: (agents: number) => void
}

type Answer = Pick<HostPlan, 'digest' | 'changes' | 'trouble' | 'problem'>

const HOSTS_AT_ONCE = 8

/** What a rollout would change on every host, the same changes together. Touches none. */
export async function planRollout(
  name: string | null,
  file: FleetFile,
  options: RolloutPlanOptions,
  context: Context,
): Promise<RolloutPlan> {
  const { spec, commit } = chosenRollout(name, file)
  const hosts = chooseWaves(spec, file.fleet).flatMap((wave) => wave.hosts)
  const known = hosts.flatMap((host) => file.fleet.hosts.get(host) ?? [])
  const plans = new Map<string, Answer>([
    ...(await askAgents(known, commit, file, options, context)),
    ...(await planDirect(known, commit, file, context)),
  ])
  return { rollout: spec.name, revision: spec.revision, commit, groups: groupPlans(hosts, plans) }
}

async function planDirect(
  known: readonly FleetHost[],
  commit: string,
  file: FleetFile,
  context: Context,
): Promise<readonly (readonly [string, Answer])[]> {
  const ignore = (): void => undefined
  const quiet: Context = { ...context, report: ignore, warn: ignore, progress: ignore }
  return mapLimited(
    directHosts(known, file),
    HOSTS_AT_ONCE,
    async ({ name, target, source }): Promise<readonly [string, Answer]> => {
      const member = { target, context: quiet }
      return [name, await planCommit(commit, null, source, member, context.signal)]
    },
  )
}

async function askAgents(
  known: readonly FleetHost[],
  commit: string,
  file: FleetFile,
  { waitMs, onAsk }: RolloutPlanOptions,
  { signal }: Context,
): Promise<ReadonlyMap<string, Answer>> {
  const agents = known.filter(({ reach }) => reach.kind === 'agent').map((host) => host.name)
  if (agents.length === 0) return new Map()
  return withStore(file, async (store) => {
    // One that was never heard of has no agent yet, and answers nobody.
    const heard = new Set((await store.list(KEYS.reports)).map(({ key }) => hostOf(key)))
    const asked = agents.filter((host) => heard.has(host))
    onAsk(asked.length)
    return askAll(store, asked, commit, waitMs, signal)
  })
}

/** Agents answer when they hear the question; those that are away do not, and are told as such. */
async function askAll(
  store: Store,
  hosts: readonly string[],
  commit: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Answer>> {
  const id = randomUUID()
  const enough = new AbortController()
  const stop = AbortSignal.any([signal, enough.signal])
  const answers = new Map<string, Answer>()
  const unread = new Map<string, Answer>()
  if (hosts.length === 0) return answers
  const listening = (async () => {
    for await (const entry of store.watch(KEYS.plans, stop)) {
      const host = hostOf(entry.key)
      const read = readEntry(hostPlanDocument, entry)
      if (!read.ok) unread.set(host, { digest: null, changes: [], trouble: read.problem.message })
      else if (read.value.id === id) answers.set(host, read.value)
      if (answers.size === hosts.length) enough.abort()
    }
  })()
  await mapLimited(hosts, HOSTS_AT_ONCE, (host) => ask(store, host, id, commit))
  await steadyClock.sleep(waitMs, stop)
  enough.abort()
  await listening
  return new Map([...unread, ...answers])
}

/** The most hosts first; those of which nothing can be said last. */
function groupPlans(hosts: readonly string[], plans: ReadonlyMap<string, Answer>): readonly PlanGroup[] {
  const groups = new Map<string, PlanGroup>()
  for (const host of hosts) {
    const plan = plans.get(host)
    const kind = kindOf(plan)
    const key = `${kind} ${plan?.digest ?? ''} ${plan?.trouble ?? ''}`
    const { changes = [], digest = null } = plan ?? {}
    const group = groups.get(key) ?? { kind, digest, hosts: [], changes, problem: problemOf(plan) }
    groups.set(key, { ...group, hosts: [...group.hosts, host] })
  }
  const order = ['change', 'nothing', 'trouble', 'silent']
  return [...groups.values()].sort(
    (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || b.hosts.length - a.hosts.length,
  )
}

/** Agents of before say why in words alone. */
function problemOf(plan: Answer | undefined): Problem | null {
  if (plan === undefined || plan.trouble === null) return null
  return plan.problem ?? problem('other-version', plan.trouble, '')
}

function kindOf(plan: Answer | undefined): PlanGroup['kind'] {
  if (plan === undefined) return 'silent'
  if (plan.trouble !== null) return 'trouble'
  return plan.changes.length > 0 ? 'change' : 'nothing'
}
