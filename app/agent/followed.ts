import {
  awaitingConsent,
  gateAt,
  gateOf,
  type Memory,
  type Ordered,
  type Source,
  type Store,
} from '../../agent/index.ts'
import { type AgentStatus, type FollowedAgent, type PlanningAgent } from '../../fleet/index.ts'
import { mayRestart } from '../../reconciler/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import {
  type Asking,
  consentTrouble,
  lookAtHost,
  type LookedAt,
  planOn,
  type Seen,
  specOf,
} from '../fleet/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec } from '../host/index.ts'

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
  let seen: (Seen & { readonly known: Memory['drift'] }) | null = null
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
      else if (fresh && commit !== null) {
        const asked = { running, check, counts: countsFor(context.config) }
        const known = memory.drift
        seen = { ...(await lookAtHost(() => specInForce(commit, source), asked, context)), known }
      }
      return {
        following: orders.ordered?.commit ?? null,
        outcome,
        commit,
        digest: memory.took?.commit === commit ? memory.took.digest : null,
        generation: memory.took?.generation ?? null,
        // What the loop has found out since is newer, of whichever qubes: it makes its list anew then.
        drift: seen !== null && seen.known === memory.drift ? seen.drift : memory.drift.length,
        restarts: memory.waiting.length,
        notRunning: seen?.notRunning ?? [],
        check: seen?.check ?? null,
        trouble,
        held: heldBy(context.config, memory, orders, now),
        unseenSince: memory.error?.since ?? null,
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
          return { digest: null, changes: [], trouble: news.problem.message }
        case 'commit':
          return planOn(() => specOf(commit, news.revision), context.way)
        case 'nothing':
        case 'unchanged':
          throw new Error(`an order of ${commit} was not looked at`)
      }
    },
  }
}

/** What has come of an order, out of what the loop remembers. */
export function outcomeOf(
  memory: Memory,
  ordered: Ordered | null,
  now: Date,
): Pick<AgentStatus, 'outcome' | 'trouble'> {
  const working = { outcome: 'working', trouble: null } as const
  const failed = (trouble: NonNullable<AgentStatus['trouble']>) => ({ outcome: 'failed', trouble }) as const
  if (ordered === null) return { outcome: 'idle', trouble: null }
  const { inForce, refused, gaveUp, compared, settled, blocked, failing, held } = memory
  // The loop has not come by it yet.
  if (memory.ordered?.id !== ordered.id) return working
  if (refused?.commit === ordered.commit) {
    const { code, why, hint } = refused
    return { outcome: 'refused', trouble: { code, message: why, hint } }
  }
  if (gaveUp?.id === ordered.id) return failed(gaveUp)
  if (inForce?.commit !== ordered.commit || !compared) return working
  if (settled) return isRestarting(memory, now) ? working : { outcome: 'applied', trouble: null }
  const [block] = blocked
  if (block !== undefined)
    return failed({ code: 'blocked', message: `${block.qube}: ${block.why}`, hint: block.hint })
  const [failure] = failing
  if (failure !== undefined) return failed({ ...failure, message: `${failure.qube}: ${failure.message}` })
  const [waiting] = awaitingConsent(held)
  return waiting === undefined ? working : failed(consentTrouble(waiting))
}

/** A qube is on its way down and up again, or may go at any moment. One that was tried in vain is only waited for. */
function isRestarting({ waiting, restarts, restarting }: Memory, now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes()
  return (
    Object.entries(restarting).some(([qube, since]) => restarts[qube]?.last === since) ||
    waiting.some(
      ({ qube, restart }) => mayRestart(restart, minute) === 'yes' && !Object.hasOwn(restarts, qube),
    )
  )
}

/** What the policy lets stand is no drift. */
const countsFor =
  ({ policy }: AgentConfig): NonNullable<Asking['counts']> =>
  ({ reason }) =>
    reason !== 'prune' || policy.prune === 'apply'

/** Why this host would begin nothing now, for whoever is in charge of the fleet. */
function heldBy(
  config: AgentConfig,
  { error }: Memory,
  orders: Parameters<typeof gateOf>[0],
  now: Date,
): string | null {
  const { mode } = config.policy
  if (mode !== 'apply') return mode === 'observe' ? 'it only observes' : 'a person applies what it proposes'
  const gate = gateOf(orders, (at) => gateAt(config, at), now)
  if (gate.open) return error === null ? null : `its host cannot be asked: ${error.message}`
  const until = gate.until === null ? '' : ` until ${gate.until.slice(0, 16).replace('T', ' ')} UTC`
  return `${WORDS[gate.why]}${until}`
}

const WORDS = { suspended: 'suspended', frozen: 'a freeze', outside: 'outside its times' }

function specInForce(commit: string, source: Source): LoadedSpec {
  const revision = source.recall(commit)
  if (revision === null) throw new QstateError(problem('bad-revision', `${commit} is not here any more`, ''))
  return specOf(commit, revision)
}
