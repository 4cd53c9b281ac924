import {
  awaitingConsent,
  CONSENT,
  gateAt,
  gateOf,
  type Held,
  holdProblem,
  type Memory,
  type Ordered,
  type Source,
  type Store,
} from '../../agent/index.ts'
import {
  type AgentStatus,
  type ConsentTrust,
  type FollowedAgent,
  type PlanAnswer,
  type PlanningAgent,
} from '../../fleet/index.ts'
import { mayRestart } from '../../reconciler/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { type Problem, problem, QstateError, utcMinute } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec } from '../source/index.ts'
import {
  type Condition,
  type ConditionQuery,
  type FleetMember,
  noPlan,
  planOn,
  type PlanRules,
  probeFailure,
  readCondition,
  specOf,
} from './condition.ts'

export interface FollowedContext extends FleetMember {
  readonly policies: HostPolicies
  /** Whose consent to withdrawals is enough here. */
  readonly trust: ConsentTrust
  /** Where the loop runs: a person agrees to withdrawals on the host of an agent, or when the rollout is started. */
  readonly kind: 'agent' | 'rollout'
  readonly source: Source
  readonly store: Store
  /** What the loop knows. */
  readonly memory: () => Memory
  /** Has the loop look at what it is ordered. */
  readonly onOrdered: () => void
}

/** The loop of a host, as its fleet needs it: it is ordered by a file, and reports what it remembers. */
export function followedAgent(options: FollowedContext): FollowedAgent & PlanningAgent {
  const { policies, trust, kind, source, store, context } = options
  const { signal, now: clock } = context
  // What was seen, and what a check said, stands until the next fresh look.
  let seen: (Condition & { readonly known: Memory['drift'] }) | null = null
  /** Found before an order was to be claimed: sooner than the loop may come by it. */
  let silence: (Problem & { readonly since: string }) | null = null
  return {
    async follow(ordered) {
      await store.order(ordered)
      options.onOrdered()
    },
    async status({ running, check, fresh, begins = false }) {
      const orders = await store.orders()
      if (begins && isAnswering(options.memory())) {
        const failure = await probeFailure(options)
        silence = failure === null ? null : (silence ?? { ...failure, since: clock().toISOString() })
      }
      const memory = options.memory()
      const now = clock()
      const { outcome, trouble } = outcomeOf(memory, orders.ordered, now, kind)
      const commit = memory.inForce?.commit ?? null
      if (outcome !== 'applied') seen = null
      else if (fresh && commit !== null) {
        const query = { running, check, isDrift: isDriftFor(policies) }
        const known = memory.drift
        seen = { ...(await readCondition(() => recalled(commit, source), query, options)), known }
      }
      const failure = isAnswering(memory) ? silence : memory.error
      const hold = heldBy(policies, failure, orders, now)
      return {
        following: orders.ordered?.commit ?? null,
        outcome,
        commit,
        digest: memory.took?.commit === commit ? memory.took.digest : null,
        generation: memory.took?.generation ?? null,
        drift: driftNow(memory, seen),
        restarts: memory.waiting.length,
        restartsHeld: memory.waiting.flatMap(({ qube, held }) =>
          held === undefined ? [] : [`${qube}: ${held.message}`],
        ),
        notRunning: seen?.notRunning ?? [],
        check: seen?.check ?? null,
        trouble,
        held: hold?.message ?? null,
        hold,
        unseenSince: failure?.since ?? null,
      }
    },
    async plan(commit) {
      const inForce = options.memory().inForce
      const base = inForce === null ? null : { commit: inForce.commit, known: false }
      return planCommit(commit, base, source, { ...options, rules: { policies, trust } }, signal)
    },
  }
}

/** What a commit would change on a host, once it has been judged as an order of it would be. */
export async function planCommit(
  commit: string,
  base: Parameters<Source['look']>[0]['base'],
  source: Source,
  member: Pick<FleetMember, 'target' | 'context'> & { readonly rules: PlanRules },
  signal: AbortSignal,
): Promise<PlanAnswer> {
  const ordered = { id: '', commit, back: false }
  const news = await source.look({ base, accepted: null, ordered }, signal)
  switch (news.kind) {
    case 'refused':
    case 'unreachable':
      return noPlan(news.problem)
    case 'commit':
      return planOn(() => specOf(commit, news.revision), member, member.rules)
    case 'nothing':
    case 'unchanged':
      throw new Error(`an order of ${commit} was not looked at`)
  }
}

/** What the loop has found out since is newer, of whichever qubes: it makes its list anew then. Null: it has never looked. */
function driftNow(
  { comparedAt, drift }: Memory,
  seen: (Condition & { readonly known: Memory['drift'] }) | null,
): number | null {
  if (seen !== null && seen.known === drift) return seen.drift
  return comparedAt === null ? null : drift.length
}

/** What has come of an order, out of what the loop remembers. */
export function outcomeOf(
  memory: Memory,
  ordered: Ordered | null,
  now: Date,
  kind: FollowedContext['kind'],
): Pick<AgentStatus, 'outcome' | 'trouble'> {
  const working = { outcome: 'working', trouble: null } as const
  const failed = (trouble: NonNullable<AgentStatus['trouble']>) => ({ outcome: 'failed', trouble }) as const
  if (ordered === null) return { outcome: 'idle', trouble: null }
  const { inForce, refused, gaveUp, compared, settled, blocked, failing, held, error } = memory
  // The loop has not come by it yet.
  if (memory.ordered?.id !== ordered.id) return working
  if (refused?.commit === ordered.commit) {
    return { outcome: 'refused', trouble: refused }
  }
  if (gaveUp?.id === ordered.id) return failed(gaveUp)
  if (inForce?.commit !== ordered.commit) return working
  if (isOfCommit(error)) return { outcome: 'refused', trouble: error }
  if (!compared) return working
  if (settled) return isRestarting(memory, now) ? working : { outcome: 'applied', trouble: null }
  const [block] = blocked
  if (block !== undefined)
    return failed({ ...block.problem, message: `${block.qube}: ${block.problem.message}` })
  const [failure] = failing
  if (failure !== undefined) return failed({ ...failure, message: `${failure.qube}: ${failure.message}` })
  const [waiting] = awaitingConsent(held)
  if (waiting === undefined) return working
  const { withdrawal = null } = memory
  return failed(
    waiting.why === 'withdrawal' && withdrawal !== null
      ? withdrawalTrouble(withdrawal, ordered, kind)
      : consentTrouble(waiting),
  )
}

const isAnswering = ({ error }: Memory): boolean => error === null || isOfCommit(error)

/** With the qubes of this host the commit makes no spec: its selectors contradict each other here. The host answers. */
const isOfCommit = (error: Memory['error']): error is NonNullable<Memory['error']> =>
  error?.code === 'invalid-spec'

/** A host that needs a person's consent has not been brought to what it was ordered. */
const consentTrouble = ({
  qube,
  why,
}: Held & { readonly why: keyof typeof CONSENT }): NonNullable<AgentStatus['trouble']> => ({
  code: CONSENT[why].code,
  message: `${qube}: ${CONSENT[why].what}`,
  hint: `on that host: ${CONSENT[why].how}`,
})

/** The same for withdrawals: which, why what was agreed to at the start is not enough, and where a person agrees. */
function withdrawalTrouble(
  { commit, digest, withdrawals }: NonNullable<Memory['withdrawal']>,
  { back, consent = null }: Ordered,
  kind: FollowedContext['kind'],
): NonNullable<AgentStatus['trouble']> {
  const { code, what } = CONSENT.withdrawal
  const qubes = [...new Set(withdrawals.map(({ qube }) => qube))].join(', ')
  const given =
    consent === null
      ? 'no consent was given when the rollout was started'
      : consent.isEnough
        ? `that is more than ${consent.by} agreed to when the rollout was started`
        : `${consent.by} agreed to it when the rollout was started, and the agent’s file of this host does not take that key`
  const accept = `qstate agent accept ${commit.slice(0, 12)} --withdraw ${digest.slice(0, 12)}`
  const hint = kind === 'agent' ? `on that host: \`${accept}\`` : back ? START_THAT : START_AGAIN
  return { code, message: `${qubes}: ${what}; ${given}`, hint }
}

const START_AGAIN =
  'end the rollout (`qstate rollout abort`), and start it again: that shows what leaves, and asks for consent'
const START_THAT = 'start a rollout of that commit: that shows what leaves, and asks for consent'

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
const isDriftFor =
  ({ policy }: HostPolicies): ConditionQuery['isDrift'] =>
  ({ reason }) =>
    reason !== 'withdrawn' || policy.withdraw === 'apply'

/** Why this host would begin nothing now, for the controller of its fleet. */
function heldBy(
  policies: HostPolicies,
  failure: Problem | null,
  orders: Parameters<typeof gateOf>[0],
  now: Date,
): Problem | null {
  const { commits } = policies.policy
  if (commits === 'observe') return holdProblem('observed')
  if (commits === 'propose') return problem('proposed', 'a person applies what it proposes', '')
  const gate = gateOf(orders, (at) => gateAt(policies, at), now)
  if (gate.open) {
    if (failure === null) return null
    const { code, message, hint } = failure
    return problem(code, `its host cannot be asked: ${message}`, hint)
  }
  const until = gate.until === null ? '' : ` until ${utcMinute(gate.until)}`
  const { code, message, hint } = holdProblem(gate.why)
  return problem(code, `${message}${until}`, hint)
}

function recalled(commit: string, source: Source): LoadedSpec {
  const revision = source.recall(commit)
  if (revision === null) throw new QstateError(problem('bad-revision', `${commit} is not here any more`, ''))
  return specOf(commit, revision)
}
