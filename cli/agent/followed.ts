import { gateAt, gateOf, type Memory, type Ordered, type Source, type Store } from '../../agent/index.ts'
import { RevisionError } from '../../agent/errors.ts'
import { loadSpec } from '../../agent/load-spec.ts'
import { type Revision } from '../../agent/revision.ts'
import { type AgentStatus, type FollowedAgent, type PlanningAgent } from '../../fleet/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import { lookAtHost, type LookedAt, planOn, type Seen } from '../fleet/host-look.ts'
import { sourcesOf } from '../git-sources.ts'
import { type LoadedSpec } from '../session.ts'

export interface FollowedContext extends LookedAt {
  readonly config: AgentConfig
  readonly source: Source
  readonly store: Store
  /** What the loop knows. */
  readonly memory: () => Memory
  /** Has the loop look at what it is ordered. */
  readonly onOrdered: () => void
  readonly now: () => Date
  readonly signal: AbortSignal
}

/** The loop of this host, as its fleet needs it: it is ordered by a file, and tells what it remembers. */
export function followedAgent(context: FollowedContext): FollowedAgent & PlanningAgent {
  const { source, store, signal } = context
  // What was seen, and what a check said, stands until it is asked for again.
  let seen: Seen | null = null
  return {
    async follow({ id, commit, back }) {
      await store.order({ id, commit, back })
      context.onOrdered()
    },
    async status({ running, check, fresh }) {
      const memory = context.memory()
      const orders = await store.orders()
      const now = context.now()
      const { outcome, trouble } = outcomeOf(memory, orders.ordered, now)
      const commit = memory.inForce?.commit ?? null
      if (outcome !== 'applied') seen = null
      else if (fresh && commit !== null)
        seen = await lookAtHost(() => specInForce(commit, source), { running, check }, context)
      return {
        following: orders.ordered?.commit ?? null,
        outcome,
        commit,
        digest: memory.took?.commit === commit ? memory.took.digest : null,
        generation: memory.took?.generation ?? null,
        drift: memory.drift.length,
        restarts: memory.waiting.length,
        notRunning: [],
        check: null,
        ...(seen ?? {}),
        trouble,
        held: heldBy(context.config, orders, now),
      }
    },
    async plan(commit) {
      const inForce = context.memory().inForce
      const base = inForce === null ? null : { commit: inForce.commit, known: false }
      const ordered = { id: '', commit, back: false }
      const news = await source.look({ base, accepted: null, ordered }, signal)
      switch (news.kind) {
        case 'refused':
          return { digest: null, changes: [], trouble: news.refusal.why }
        case 'unreachable':
          return { digest: null, changes: [], trouble: news.error.message }
        case 'commit':
          return planOn(() => specOf(commit, news.revision), context.way)
        case 'nothing':
        case 'unchanged':
          throw new Error(`an order of ${commit} was not looked at`)
      }
    },
  }
}

/** Tries at the repository after which a fleet no longer waits: some minutes. */
const PATIENCE = 8
/** How long a host may not be looked at before that is a failure. */
const AWAY_MS = 2 * 60_000

/** What has come of an order, out of what the loop remembers. */
export function outcomeOf(
  memory: Memory,
  ordered: Ordered | null,
  now: Date,
): Pick<AgentStatus, 'outcome' | 'trouble'> {
  const working = { outcome: 'working', trouble: null } as const
  const failed = (trouble: NonNullable<AgentStatus['trouble']>) => ({ outcome: 'failed', trouble }) as const
  if (ordered === null) return { outcome: 'idle', trouble: null }
  const { inForce, applied, refused, unreachable, error, comparedAt, blocked, failing, held } = memory
  if (memory.ordered?.id !== ordered.id) return working
  if (refused?.commit === ordered.commit) {
    const { code, why, hint } = refused
    return { outcome: 'refused', trouble: { code, message: why, hint } }
  }
  if (error !== null && now.getTime() - Date.parse(error.since) > AWAY_MS) return failed(error)
  if (inForce?.commit !== ordered.commit) {
    return unreachable !== null && unreachable.times >= PATIENCE ? failed(unreachable) : working
  }
  if (applied?.commit === ordered.commit && applied.at >= inForce.since)
    return { outcome: 'applied', trouble: null }
  if (comparedAt === null || comparedAt < inForce.since) return working
  const [block] = blocked
  if (block !== undefined)
    return failed({ code: 'blocked', message: `${block.qube}: ${block.why}`, hint: block.hint })
  const [failure] = failing
  if (failure !== undefined) return failed({ ...failure, message: `${failure.qube}: ${failure.message}` })
  const removal = held.find(({ why }) => why === 'removal')
  if (removal !== undefined)
    return failed({ code: 'removal', message: `${removal.qube} would be removed`, hint: REMOVAL })
  return working
}

const REMOVAL = 'a person on that host removes it: `qstate apply --allow-remove`'

/** Why this host would begin nothing now, for whoever is in charge of the fleet. */
function heldBy(config: AgentConfig, orders: Parameters<typeof gateOf>[0], now: Date): string | null {
  const { mode } = config.policy
  if (mode !== 'apply') return mode === 'observe' ? 'it only observes' : 'a person applies what it proposes'
  const gate = gateOf(orders, (at) => gateAt(config, at), now)
  if (gate.open) return null
  const until = gate.until === null ? '' : ` until ${gate.until.slice(0, 16).replace('T', ' ')} UTC`
  return `${WORDS[gate.why]}${until}`
}

const WORDS = { suspended: 'suspended', frozen: 'a freeze', outside: 'outside its times' }

function specInForce(commit: string, source: Source): Promise<LoadedSpec> {
  const revision = source.recall(commit)
  if (revision === null) throw new RevisionError('bad-revision', `${commit} is not here any more`, '')
  return specOf(commit, revision)
}

function specOf(commit: string, revision: Revision): Promise<LoadedSpec> {
  const loaded = loadSpec(commit, revision)
  if ('refusal' in loaded) throw new RevisionError('invalid-spec', loaded.refusal.why, loaded.refusal.hint)
  return Promise.resolve({ sources: sourcesOf(revision), manifest: loaded.spec.manifest })
}
