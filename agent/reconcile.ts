import { needsApply, type Plan, planIsEmpty, type Report, type RestartReport } from '../reconciler/index.ts'
import { counted, turnOf } from './attempts.ts'
import { type Held, heldOf, keyOf, type Rules, without } from './decide.ts'
import { type Applied, type CommittedSpec, type AgentHost } from './ports.ts'

/** What one reconciliation saw and did. */
export interface Reconciled {
  /** What the host would have needed, before anything was done. */
  readonly seen: Plan
  readonly held: readonly Held[]
  /** What was done, if anything was. */
  readonly applied: Applied | null
  /** Someone else is at work on the host: to be tried again soon. */
  readonly busy: string | null
  /** The host changed between plan and apply, or the apply was cut off: to be tried again. */
  readonly again: boolean
  readonly restarts: readonly RestartReport[]
  /** What has been tried by now, as the next time has to know it. */
  readonly tried: Pick<Rules, 'corrections' | 'failures' | 'restarts'>
}

/** Plans that are made anew because the host changed under them; after these it is left for the next turn. */
const TRIES = 3

/**
 * Observes, plans, leaves out what is not to be done now, applies the rest. `about`: the qubes it is about, null for all.
 * Fails with HostError where the host cannot be asked.
 */
export async function reconcile(
  spec: CommittedSpec,
  about: ReadonlySet<string> | null,
  rules: Rules,
  host: AgentHost,
  mayStill: () => Promise<boolean>,
): Promise<Reconciled> {
  const inScope = (qube: string): boolean => about === null || about.has(qube)
  const seen = await host.plan(spec, inScope)
  const { plan, held } = await narrow(spec, seen, inScope, rules, host)
  const idle = { seen, held, applied: null, busy: null, again: false, restarts: [], tried: rules }
  if (plan === null) return { ...idle, again: true }
  if (rules.policy.mode !== 'apply' || !rules.gate.open) return idle

  const applied = planIsEmpty(plan) ? null : await host.apply(spec, plan, mayStill)
  if (applied?.kind === 'busy') return { ...idle, busy: applied.who }
  if (applied?.kind === 'held') return { ...idle, again: true }
  const report = applied?.report ?? null
  const mayRestart = (qube: string): boolean => turnOf(rules.restarts, qube, rules.now).now
  const isCutOff = report !== null && report.interrupted !== null
  const restarts = isCutOff ? [] : await host.restart(plan, report, mayRestart)
  return {
    ...idle,
    applied,
    restarts,
    again: report !== null && isUnfinished(report),
    tried: triedNow(plan, report, restarts, rules),
  }
}

/**
 * The plan without what is held, and all that is held. A plan that is made anew is judged anew, since the host may have changed;
 * null where it changes faster than that.
 */
async function narrow(
  spec: CommittedSpec,
  seen: Plan,
  inScope: (qube: string) => boolean,
  rules: Rules,
  host: AgentHost,
): Promise<{ readonly plan: Plan | null; readonly held: readonly Held[] }> {
  let plan = seen
  let held: readonly Held[] = heldOf(seen, rules)
  if (held.length === 0) return { plan, held }
  // Where everything is held, there is nothing left to make another plan for.
  if (isAllHeld(seen, held)) return { plan: emptied(seen), held }
  for (let tries = 0; tries < TRIES; tries += 1) {
    const fits = without(held)
    plan = await host.plan(spec, (qube, path) => inScope(qube) && fits(qube, path))
    const more = heldOf(plan, rules)
    if (more.length === 0) return { plan, held }
    held = [...held, ...more]
  }
  return { plan: null, held }
}

function isAllHeld(plan: Plan, held: readonly Held[]): boolean {
  const fits = without(held)
  return plan.qubes.filter(needsApply).every(({ qube }) => !fits(qube, ''))
}

/** The plan of a host that is left as it is. */
const emptied = (plan: Plan): Plan => ({ ...plan, qubes: plan.qubes.filter((qube) => !needsApply(qube)) })

function triedNow(
  plan: Plan,
  report: Report | null,
  restarts: readonly RestartReport[],
  { corrections, failures, restarts: before, now }: Rules,
): Reconciled['tried'] {
  const qubes = report?.qubes ?? []
  const named = (list: readonly { readonly qube: string }[]): readonly string[] =>
    list.map(({ qube }) => qube)
  return {
    corrections: counted(corrections, report === null ? [] : correctedIn(plan, report), [], now),
    failures: counted(
      failures,
      named(qubes.filter(({ status }) => status === 'failed')),
      named(qubes.filter(({ status }) => status === 'applied' || status === 'unchanged')),
      now,
    ),
    restarts: counted(
      before,
      named(restarts.filter((one) => !hasRestarted(one))),
      named(restarts.filter(hasRestarted)),
      now,
    ),
  }
}

/** Settings that somebody had changed, and that are as wanted again. */
function correctedIn(plan: Plan, report: Report): readonly string[] {
  const settled = settledBy(report)
  return plan.qubes.flatMap(({ qube, changes }) =>
    changes
      .filter(({ reason, path }) => reason === 'drift' && settled.has(keyOf(qube, path)))
      .map(({ path }) => keyOf(qube, path)),
  )
}

/** Whether what waited for it counts now. */
export const hasRestarted = ({ status }: RestartReport): boolean =>
  status === 'restarted' || status === 'started, not ready'

/** Settings that are as wanted since an apply, by `qube/path`. */
export function settledBy(report: Report | undefined): ReadonlySet<string> {
  return new Set(
    (report?.qubes ?? []).flatMap(({ qube, outcomes }) =>
      outcomes.filter(({ status }) => status === 'applied').map(({ path }) => keyOf(qube, path)),
    ),
  )
}

const isUnfinished = (report: Report): boolean =>
  report.interrupted !== null || report.qubes.some(({ status }) => status === 'stale' || status === 'skipped')
