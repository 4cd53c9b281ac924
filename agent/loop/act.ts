import { readWindow } from '../../spec/agent/index.ts'
import { type Withdrawal } from '../../reconciler/index.ts'
import { problemOf } from '../../spec/diagnostics/index.ts'
import {
  awaitingConsent,
  CONFLICT_FROM,
  withdrawsUnmatched,
  type Gate,
  isUndone,
  keyOf,
  nextBeginning,
  reconcile,
  type Reconciled,
  settledBy,
  turnOf,
} from '../policy/index.ts'
import { type CommittedSpec, type Confirmation } from '../ports/index.ts'
import { type Memory, type NoticedBy, type Orders, remember, type Waiting } from '../state/index.ts'
import { errorSince, isWell, sayOnce } from './listen.ts'
import { type AgentContext, type Life, retryMs } from './loop-state.ts'
import { beginRestarts, restartTries } from './restarts.ts'

/** Where events are not heard, everything is compared this often at least. */
const WITHOUT_EVENTS_MS = 5 * 60_000

/** What is to be brought to what. */
interface Work {
  readonly spec: CommittedSpec
  /** Null: all qubes. */
  readonly about: ReadonlySet<string> | null
  readonly noticedBy: NoticedBy
  readonly orders: Orders
}

/** Brings the host, or the qubes that something has happened to, to what the spec says; remembers what came of it. */
export async function act(work: Work, life: Life, context: AgentContext): Promise<Reconciled | null> {
  life.isComparing = work.about === null
  try {
    return await actOn(work, life, context)
  } finally {
    life.isComparing = false
  }
}

async function actOn(work: Work, life: Life, context: AgentContext): Promise<Reconciled | null> {
  const { spec, about, noticedBy, orders } = work
  const { clock, settings, signal, store, watch } = context
  const now = clock.now()
  const gate = confirmationGate(life.confirmation, spec.commit) ?? gateOf(orders, settings.gate, now)
  const { corrections, failures, put } = life.memory
  const orderConsent = consentOf(orders, spec.commit, life.memory)
  const agreed = [...(orders.consent?.withdrawals ?? []), ...orderConsent]
  const rules = { policy: settings.policy, gate, corrections, failures, put: new Set(put), agreed, now }
  const mayStill = async (): Promise<boolean> => gateOf(await store.orders(), settings.gate, clock.now()).open
  try {
    const done = await reconcile(spec, about, rules, context.host, mayStill)
    const before = life.memory
    life.memory = remember(life.memory, done, {
      about,
      noticedBy,
      now: now.toISOString(),
      commit: spec.commit,
    })
    sayBlocked(before, life.memory, watch)
    sayReattached(done, watch)
    if (about === null && orders.consent !== null && isSpent(orders.consent.withdrawals, done))
      await store.consent(null)
    if (about === null && orderConsent.length > 0 && isSpent(orderConsent, done))
      life.memory = { ...life.memory, spentConsent: orders.ordered?.id ?? null }
    if (about === null) {
      life.known = new Set([...spec.manifest.qubes.keys(), ...done.seen.qubes.map(({ qube }) => qube)])
      life.due.compare = clock.now().getTime() + compareEvery(life, context)
    }
    await propose(spec, done, about, life, context)
    isWell(life)
    beginRestarts(done, life, context, mayStill)
    planNext(done, about, gate, life, clock.now())
    return done
  } catch (error) {
    const problem = problemOf(error)
    if (problem === undefined) throw error
    if (signal.aborted) return null
    life.failures += 1
    life.memory = { ...life.memory, error: errorSince(problem, life, now) }
    life.due.compare = clock.now().getTime() + retryMs(life.failures)
    sayOnce('error', problem, life, context)
    return null
  }
}

/** What was agreed to at the start of the rollout that ordered a commit, unless that is done. It is for this commit alone. */
const consentOf = ({ ordered }: Orders, commit: string, { spentConsent }: Memory): readonly Withdrawal[] =>
  ordered?.commit === commit && ordered.id !== spentConsent ? (ordered.consent?.withdrawals ?? []) : []

/** A consent is spent once none of its withdrawals is left to do. */
function isSpent(withdrawals: readonly Withdrawal[], { seen, applied }: Reconciled): boolean {
  const agreed = new Set(withdrawals.map(({ uuid, path }) => `${uuid} ${path}`))
  const settled = settledBy(applied?.report)
  return seen.qubes.every(({ qube, uuid, changes }) =>
    changes.every(
      ({ path, reason }) =>
        reason !== 'withdrawn' || !agreed.has(`${uuid ?? ''} ${path}`) || settled.has(keyOf(qube, path)),
    ),
  )
}

/** A commit of which nothing comes: whoever reads the log has to learn why. */
function sayBlocked(before: Memory, { blocked }: Memory, watch: AgentContext['watch']): void {
  // Not by its line: another commit may move it, and says the same.
  const words = ({ qube, path, problem }: Memory['blocked'][number]): string =>
    `${path === null ? qube : keyOf(qube, path)}: ${problem.message}`
  const known = new Set(before.blocked.map(words))
  for (const one of blocked) {
    if (!known.has(words(one))) watch.say('warn', words(one), { hint: one.problem.hint })
  }
}

/** A device that comes and goes is reported as a conflict from the third time on. */
function sayReattached({ reattached, tried }: Reconciled, watch: AgentContext['watch']): void {
  for (const { qube, path, status, problem } of reattached) {
    const key = keyOf(qube, path)
    const isConflict = (tried.corrections[key]?.times ?? 0) >= CONFLICT_FROM
    if (status === 'attached')
      watch.say(
        isConflict ? 'warn' : 'info',
        isConflict
          ? `${key}: attached again and again, and lost each time: a conflict`
          : `${key}: attached again`,
      )
    if (status === 'failed' && problem !== null)
      watch.say('warn', `${key}: cannot be attached again: ${problem.message}`, { hint: problem.hint })
  }
}

/** What a commit newly says, and a person is to apply, is saved as one plan, whatever it was that brought it up. */
async function propose(
  spec: CommittedSpec,
  done: Reconciled,
  about: ReadonlySet<string> | null,
  life: Life,
  { host, settings, clock }: AgentContext,
): Promise<void> {
  const { held } = life.memory
  const isForPerson = held.some(({ why }) => why === 'proposed') || awaitingConsent(held).length > 0
  if (settings.policy.commits !== 'propose' || !isForPerson) {
    life.memory = { ...life.memory, proposed: null }
    return
  }
  const planOf = (selects: Parameters<typeof host.plan>[1]): ReturnType<typeof host.plan> =>
    host.plan(spec, selects, withdrawsUnmatched(settings.policy))
  const all = about === null && done.applied === null ? done.seen : await planOf(() => true)
  const undone = new Set(
    all.qubes.flatMap(({ qube, changes }) =>
      changes.filter((change) => isUndone(qube, change, done)).map(({ path }) => keyOf(qube, path)),
    ),
  )
  // Drift is not proposed: it has a policy of its own.
  const plan = undone.size === 0 ? all : await planOf((qube, path) => !undone.has(keyOf(qube, path)))
  const changes = JSON.stringify([
    plan.spec.commit,
    plan.qubes.map(({ qube, create, remove, volumes, changes: list }) => [
      qube,
      [create, remove, volumes],
      list.map(({ patch }) => patch),
    ]),
  ])
  if (life.memory.proposed?.changes === changes) return
  const file = await host.save(spec, plan)
  life.memory = { ...life.memory, proposed: { file, changes, at: clock.now().toISOString() } }
}

/** When to look again at what could not be done now. */
function planNext(
  done: Reconciled,
  about: ReadonlySet<string> | null,
  gate: Gate,
  life: Life,
  now: Date,
): void {
  if (done.again || done.busy !== null) {
    life.failures += 1
    life.due.again = now.getTime() + retryMs(life.failures)
    // What was put off before is not forgotten for what is tried again now.
    life.retry = about === null || life.retry === null ? null : new Set([...about, ...life.retry])
    return
  }
  life.failures = 0
  const { held, waiting } = life.memory
  const opens = !gate.open && gate.until !== null ? [Date.parse(gate.until)] : []
  const times = [
    ...held.flatMap(({ qube, until }) => (until === null ? [] : [{ qube, at: Date.parse(until) }])),
    ...waiting.flatMap((one) => [...restartTimes(one, now), ...opens].map((at) => ({ qube: one.qube, at }))),
    ...restartTries(life, now),
    ...reattachTries(done, now),
  ]
  life.due.again = Math.max(now.getTime() + retryMs(1), Math.min(Infinity, ...times.map(({ at }) => at)))
  life.retry = new Set(times.map(({ qube }) => qube))
}

/** When a device that could not be attached may next be. */
const reattachTries = (
  { reattached, tried }: Reconciled,
  now: Date,
): readonly { readonly qube: string; readonly at: number }[] =>
  reattached
    .filter(({ status }) => status !== 'attached')
    .map(({ qube, path }) => ({
      qube,
      at: Date.parse(turnOf(tried.corrections, keyOf(qube, path), now).from),
    }))

/** When a qube may next be restarted for what waits, where that is a matter of time. */
function restartTimes({ restart }: Waiting, now: Date): readonly number[] {
  if (typeof restart === 'string') return []
  const window = readWindow(restart.window)
  const next = 'from' in window ? nextBeginning([window], now) : undefined
  return next === undefined ? [] : [next.getTime()]
}

/** Closed by an apply that is not confirmed; null: by none. */
function confirmationGate({ waiting, notConfirmed }: Confirmation, commit: string): Gate | null {
  if (waiting !== null) return { open: false, why: 'awaiting-confirmation', until: waiting.until }
  return commit === notConfirmed ? { open: false, why: 'not-confirmed', until: null } : null
}

/** Whether anything may be written now, by what a person has said and by the calendar. */
export function gateOf(
  { suspended }: Pick<Orders, 'suspended'>,
  calendar: (now: Date) => Gate,
  now: Date,
): Gate {
  if (suspended === null) return calendar(now)
  const { until } = suspended
  if (until !== null && Date.parse(until) <= now.getTime()) return calendar(now)
  return { open: false, why: 'suspended', until }
}

const compareEvery = (life: Life, { settings }: AgentContext): number =>
  life.memory.events === 'refused'
    ? Math.min(settings.compareEvery, WITHOUT_EVENTS_MS)
    : settings.compareEvery
