import { randomUUID } from 'node:crypto'
import { hostPlanDocument } from '../../documents/fleet/index.ts'
import { ask, hostOf, KEYS, type PlanAnswer, readEntry, type Store } from '../../fleet/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { type ChangeLine, mapLimited } from '../../reconciler/index.ts'
import { chooseWaves, type FleetHost } from '../../spec/fleet/index.ts'
import { planCommit, steadyClock } from '../agent/index.ts'
import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type Context } from '../index.ts'
import { type RolloutWithdrawals, withdrawalsIn } from './consents.ts'
import { directHosts, directTrust } from './direct-hosts.ts'
import { chosenRollout, type FleetFile } from './fleet-file.ts'
import { signingKey } from './keys.ts'
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
  /** What needs consent before it is withdrawn. */
  readonly consent: RolloutWithdrawals
}

/** How hosts are asked what they would do. */
export interface AskOptions {
  /** For hosts without an agent. */
  readonly policies: HostPolicies
  /** How long agents are waited for. */
  readonly waitMs: number
  /** Told how many agents are asked, before they are waited for. */
  readonly onAsk: (agents: number) => void
}

const HOSTS_AT_ONCE = 8

/** What a rollout would change on every host, the same changes together. Touches none. */
export async function planRollout(
  name: string | null,
  file: FleetFile,
  options: AskOptions,
  context: Context,
): Promise<RolloutPlan> {
  const { spec, commit } = chosenRollout(name, file)
  const hosts = chooseWaves(spec, file.fleet).flatMap((wave) => wave.hosts)
  const { plans, consent } = await askHosts(hosts, commit, file, options, context)
  return { rollout: spec.name, revision: spec.revision, commit, groups: groupPlans(hosts, plans), consent }
}

/** What hosts say that a commit would change on them. */
export async function askHosts(
  hosts: readonly string[],
  commit: string,
  file: FleetFile,
  options: AskOptions,
  context: Context,
): Promise<{ readonly plans: ReadonlyMap<string, PlanAnswer>; readonly consent: RolloutWithdrawals }> {
  const known = hosts.flatMap((host) => file.fleet.hosts.get(host) ?? [])
  const plans = new Map<string, PlanAnswer>([
    ...(await askAgents(known, commit, file, options, context)),
    ...(await planDirect(known, commit, file, options, context)),
  ])
  const key = signingKey(file, context)
  return { plans, consent: withdrawalsIn(hosts, plans, key?.publicKey ?? null) }
}

async function planDirect(
  known: readonly FleetHost[],
  commit: string,
  file: FleetFile,
  { policies }: AskOptions,
  context: Context,
): Promise<readonly (readonly [string, PlanAnswer])[]> {
  const rules = { policies, trust: directTrust(file) }
  const ignore = (): void => undefined
  const quiet: Context = { ...context, report: ignore, warn: ignore, progress: ignore }
  return mapLimited(
    directHosts(known, file),
    HOSTS_AT_ONCE,
    async ({ name, target, source }): Promise<readonly [string, PlanAnswer]> => {
      const member = { target, context: quiet, rules }
      return [name, await planCommit(commit, null, source, member, context.signal)]
    },
  )
}

async function askAgents(
  known: readonly FleetHost[],
  commit: string,
  file: FleetFile,
  { waitMs, onAsk }: AskOptions,
  { signal }: Context,
): Promise<ReadonlyMap<string, PlanAnswer>> {
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
): Promise<ReadonlyMap<string, PlanAnswer>> {
  const id = randomUUID()
  const enough = new AbortController()
  const stop = AbortSignal.any([signal, enough.signal])
  const answers = new Map<string, PlanAnswer>()
  const unread = new Map<string, PlanAnswer>()
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
function groupPlans(hosts: readonly string[], plans: ReadonlyMap<string, PlanAnswer>): readonly PlanGroup[] {
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
function problemOf(plan: PlanAnswer | undefined): Problem | null {
  if (plan === undefined || plan.trouble === null) return null
  return plan.problem ?? problem('other-version', plan.trouble, '')
}

function kindOf(plan: PlanAnswer | undefined): PlanGroup['kind'] {
  if (plan === undefined) return 'silent'
  if (plan.trouble !== null) return 'trouble'
  return plan.changes.length > 0 ? 'change' : 'nothing'
}
