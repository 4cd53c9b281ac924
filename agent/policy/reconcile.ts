import {
  needsApply,
  type Plan,
  planCloses,
  planIsEmpty,
  type Report,
  withLeaving,
} from '../../reconciler/index.ts'
import { problemOf } from '../../spec/diagnostics/index.ts'
import { type AgentHost, type Applied, type CommittedSpec, type Reattached } from '../ports/index.ts'
import { decide, type Decision, type Held, isUndone, keyOf, type Rules } from './decide.ts'
import { correctsDrift, isCorrected, mayWrite, withdrawsUnmatched } from './policy.ts'
import { counted, turnOf } from './retries.ts'

/** What one reconciliation saw and did. */
export interface Reconciled {
  /** What the host would have needed, before anything was done. */
  readonly seen: Plan
  readonly held: readonly Held[]
  /** What was done, if anything was. */
  readonly applied: Applied | null
  /** The plan that was acted on to its end: what waits for a restart now may have it. */
  readonly done: Plan | null
  /** Someone else is at work on the host: to be tried again soon. */
  readonly busy: string | null
  /** The host changed between plan and apply, or the apply was cut off: to be tried again. */
  readonly again: boolean
  /** Settings that had been applied for the commit before, by `qube/path`. */
  readonly put: Rules['put']
  /** Devices that running qubes had lost. */
  readonly reattached: readonly Reattached[]
  /** What has been tried by now, as the next time has to know it. */
  readonly tried: Pick<Rules, 'corrections' | 'failures'>
}

/** Plans that are made anew because the host changed under them; after these it is left for the next turn. */
const TRIES = 3

/**
 * Observes, plans, leaves out what is not to be done now, applies the rest, and attaches what running qubes have lost. `about`: the qubes
 * it is about, null for all. Fails with QstateError where the host cannot be asked.
 */
export async function reconcile(
  spec: CommittedSpec,
  about: ReadonlySet<string> | null,
  rules: Rules,
  host: AgentHost,
  mayStill: () => Promise<boolean>,
): Promise<Reconciled> {
  const done = await applyUnheld(spec, about, rules, host, mayStill)
  return done.done === null || !correctsDrift(rules.policy)
    ? done
    : withReattached(done, spec, rules, host, mayStill)
}

/** A device that is assigned and not attached is drift of its setting: tried as other corrections are, later and later. */
async function withReattached(
  done: Reconciled,
  spec: CommittedSpec,
  { policy, now }: Rules,
  host: AgentHost,
  mayStill: () => Promise<boolean>,
): Promise<Reconciled> {
  const { corrections } = done.tried
  try {
    const reattached = await host.reattach(spec, done.seen, {
      selects: (_, path) => isCorrected(policy, path),
      may: (qube, path) => turnOf(corrections, keyOf(qube, path), now).now,
      mayStill,
    })
    const keys = reattached
      .filter(({ status }) => status !== 'held')
      .map(({ qube, path }) => keyOf(qube, path))
    const tried = { ...done.tried, corrections: counted(corrections, [...new Set(keys)], [], now) }
    return { ...done, reattached, tried }
  } catch (error) {
    // What has been applied is remembered all the same.
    if (problemOf(error) === undefined) throw error
    return { ...done, again: true }
  }
}

async function applyUnheld(
  spec: CommittedSpec,
  about: ReadonlySet<string> | null,
  rules: Rules,
  host: AgentHost,
  mayStill: () => Promise<boolean>,
): Promise<Reconciled> {
  const inScope = (qube: string): boolean => about === null || about.has(qube)
  const seen = await host.plan(spec, inScope, withdrawsUnmatched(rules.policy))
  const { plan, held } = await narrow(spec, seen, inScope, rules, host)
  const idle = {
    seen,
    held,
    applied: null,
    done: null,
    busy: null,
    again: false,
    put: rules.put,
    tried: rules,
    reattached: [],
  }
  if (plan === null) return { ...idle, again: true }
  if (!mayWrite(rules.policy) || !rules.gate.open) return idle
  if (planIsEmpty(plan) && !planCloses(plan)) return { ...idle, done: plan }

  const applied = await host.apply(spec, plan, mayStill)
  if (applied.kind === 'busy') return { ...idle, busy: applied.who }
  if (applied.kind === 'held') return { ...idle, again: true }
  const { report } = applied
  return {
    ...idle,
    applied,
    done: report.interrupted === null ? plan : null,
    again: isUnfinished(report),
    tried: triedNow(plan, report, rules),
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
  let { held, selects } = decide(seen, rules)
  if (held.length === 0) return { plan, held }
  // Where everything is held, there is nothing left to make another plan for.
  if (isAllHeld(seen, selects)) return { plan: emptied(seen), held }
  for (let tries = 0; tries < TRIES; tries += 1) {
    const fits = selects
    plan = await host.plan(
      spec,
      (qube, path) => inScope(qube) && fits(qube, path),
      withdrawsUnmatched(rules.policy),
    )
    const more = decide(plan, rules)
    if (more.held.length === 0) return { plan: withLeaving(plan, waitingForConsent(held)), held }
    held = [...held, ...more.held]
    selects = (qube, path) => fits(qube, path) && more.selects(qube, path)
  }
  return { plan: null, held }
}

/** By qube, what is owned still and leaves once a person agrees. */
function waitingForConsent(held: readonly Held[]): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>()
  for (const { qube, path, why } of held)
    if (why === 'withdrawal' && path !== null) paths.set(qube, [...(paths.get(qube) ?? []), path])
  return paths
}

const isAllHeld = (plan: Plan, selects: Decision['selects']): boolean =>
  plan.qubes.filter(needsApply).every(({ qube }) => !selects(qube, ''))

/** The plan of a host that is left as it is. */
const emptied = (plan: Plan): Plan => ({ ...plan, qubes: plan.qubes.filter((qube) => !needsApply(qube)) })

function triedNow(plan: Plan, { qubes }: Report, rules: Rules): Reconciled['tried'] {
  const settled = settledBy({ qubes })
  const named = (...statuses: readonly string[]): readonly string[] =>
    qubes.filter(({ status }) => statuses.includes(status)).map(({ qube }) => qube)
  const corrected = plan.qubes.flatMap(({ qube, changes }) =>
    changes
      .filter((change) => isUndone(qube, change, rules) && settled.has(keyOf(qube, change.path)))
      .map(({ path }) => keyOf(qube, path)),
  )
  return {
    corrections: counted(rules.corrections, corrected, [], rules.now),
    failures: counted(rules.failures, named('failed'), named('applied', 'unchanged'), rules.now),
  }
}

/** Settings that are as wanted since an apply, by `qube/path`. */
export function settledBy(report: Pick<Report, 'qubes'> | undefined): ReadonlySet<string> {
  return new Set(
    (report?.qubes ?? []).flatMap(({ qube, outcomes }) =>
      outcomes.filter(({ status }) => status === 'applied').map(({ path }) => keyOf(qube, path)),
    ),
  )
}

const isUnfinished = (report: Report): boolean =>
  report.interrupted !== null || report.qubes.some(({ status }) => status === 'stale' || status === 'skipped')
