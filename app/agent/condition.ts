import { loadSpec, runCheck } from '../../agent/index.ts'
import { MAX_CHANGES } from '../../documents/fleet/index.ts'
import { type AgentStatus, type Asked, type ConsentTrust, type PlanAnswer } from '../../fleet/index.ts'
import { type Revision } from '../../git/index.ts'
import { type Change, changeDigest, changesOf, driftLeft, type Plan } from '../../reconciler/index.ts'
import { type HostPolicies } from '../../spec/agent/index.ts'
import { problem, type Problem, QstateError } from '../../spec/diagnostics/index.ts'
import { PARALLELISM } from '../apply/index.ts'
import { type Context } from '../context.ts'
import { connectHost, connectManaged, type HostTarget, type ManagedHost } from '../host/index.ts'
import { planSpec } from '../plan/index.ts'
import { type LoadedSpec, sourcesOf, tablesOf } from '../source/index.ts'

/** How a host is, beside what it has applied. */
export type Condition = Pick<AgentStatus, 'drift' | 'restarts' | 'notRunning' | 'check'>

/** A host of a fleet, and the folder of programs that its owner lets a rollout run as checks. */
export interface FleetMember {
  /** What its fleet calls it. */
  readonly name: string
  readonly target: HostTarget
  readonly checks: string
  readonly context: Context
}

/** What is asked of a host, and which changes that it would need count as drift. */
export interface ConditionQuery extends Pick<Asked, 'running' | 'check'> {
  readonly isDrift: (change: Change) => boolean
}

/** How a host is now, compared with a spec. One that cannot be looked at shows nothing at all. */
export async function readCondition(
  spec: () => LoadedSpec,
  { running, check, isDrift }: ConditionQuery,
  member: FleetMember,
): Promise<Condition> {
  const { name, checks, context } = member
  try {
    const { plan, host } = await compare(spec(), member)
    const env = { QSTATE_HOST: name }
    const found = check === null ? null : await runCheck(checks, check, env, context.signal)
    const stateOf = new Map(host.qubes.map((qube) => [qube.name, qube.state]))
    return {
      drift: changesOf(only(plan, isDrift)).length + plan.qubes.flatMap(driftLeft).length,
      restarts: plan.qubes.filter(({ waiting }) => waiting.length > 0).length,
      notRunning: running.filter((qube) => stateOf.has(qube) && stateOf.get(qube) !== 'Running'),
      check: found,
    }
  } catch (error) {
    troubleOf(error)
    return { drift: null, restarts: 0, notRunning: [], check: check === null ? null : 'failed' }
  }
}

/** What a spec would change on the host now. Writes nothing. */
async function compare(
  spec: LoadedSpec,
  { target, context }: Pick<FleetMember, 'target' | 'context'>,
): Promise<{ readonly plan: Plan; readonly host: ManagedHost }> {
  const host = await connectManaged(target, context, tablesOf(spec))
  const options = { targets: [], parallelism: PARALLELISM, explain: 'no' } as const
  return { plan: await planSpec(spec, host, options, context), host }
}

/** Why a host cannot be asked anything; null: it answers. One call, which writes nothing. */
export async function probeFailure({
  target,
  context,
}: Pick<FleetMember, 'target' | 'context'>): Promise<Problem | null> {
  try {
    await connectHost(target, context)
    return null
  } catch (error) {
    return troubleOf(error)
  }
}

const only = (plan: Plan, isDrift: (change: Change) => boolean): Plan => ({
  ...plan,
  qubes: plan.qubes.map((qube) => ({ ...qube, changes: qube.changes.filter(isDrift) })),
})

/** What decides on a host what becomes of a plan for it. */
export interface PlanRules {
  readonly policies: HostPolicies
  /** Whose consent to its withdrawals is enough. */
  readonly trust: Pick<ConsentTrust, 'keys'>
}

/** What a spec would change on a host, or why that cannot be told. */
export async function planOn(
  spec: () => LoadedSpec,
  member: Pick<FleetMember, 'target' | 'context'>,
  rules: PlanRules,
): Promise<PlanAnswer> {
  try {
    const { plan } = await compare(spec(), member)
    const changes = changesOf(plan)
    const consent = consentOn(plan, rules)
    return { digest: changeDigest(changes), changes, trouble: null, problem: null, consent }
  } catch (error) {
    return noPlan(troubleOf(error))
  }
}

/** The consent that a host would ask for before it does what a plan says. Fails with QstateError where no order could carry it. */
function consentOn(
  { consent }: Plan,
  { policies: { policy }, trust }: PlanRules,
): NonNullable<PlanAnswer['consent']> | null {
  if (consent === undefined || policy.commits !== 'apply' || policy.withdraw !== 'apply') return null
  const { qubes, withdrawals } = consent
  if (withdrawals.length > MAX_CHANGES) {
    const message = `it would withdraw ${withdrawals.length} values, and an order carries consent to ${MAX_CHANGES}`
    throw new QstateError(
      problem('withdrawal-not-allowed', message, 'agree on that host, or withdraw in parts'),
    )
  }
  return { qubes: qubes.map(({ qube, isWhole }) => ({ qube, isWhole })), withdrawals, keys: trust.keys }
}

/** Why there is none. */
export const noPlan = (cause: Problem): PlanAnswer => ({
  digest: null,
  changes: [],
  trouble: cause.message,
  problem: cause,
})

/** The problem of an error, shortened for a report. Rethrows anything but a QstateError. */
function troubleOf(error: unknown): Problem {
  if (!(error instanceof QstateError)) throw error
  const { problem: cause, message, hint } = error
  return { ...cause, message: message.slice(0, 1500), hint: hint.slice(0, 500) }
}

/** The spec that a revision holds. Fails with QstateError where it is none. */
export function specOf(commit: string, revision: Revision): LoadedSpec {
  const loaded = loadSpec(commit, revision)
  if (!loaded.ok) throw new QstateError({ ...loaded.problem, hint: 'correct it with a new commit' })
  return { sources: sourcesOf(revision), manifest: loaded.value.spec.manifest, diagnostics: [] }
}
