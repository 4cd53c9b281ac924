import { isDeepStrictEqual } from 'node:util'
import { isSystemError, systemProblem } from '../../spec/diagnostics/index.ts'
import { noticesOf, UNREACHABLE_FROM } from '../notify/index.ts'
import { correctsDrift, type Reconciled } from '../policy/index.ts'
import {
  fleetAwayNow,
  holdsStill,
  type Memory,
  type NoticedBy,
  noticedIn,
  type Ordered,
  type Suspension,
} from '../state/index.ts'
import { act } from './act.ts'
import { openBackground } from './background.ts'
import { errorSince, isWell, listen, sayOnce } from './listen.ts'
import { loadSpec } from './load-spec.ts'
import { beginLook, takeNews, UNTRIED } from './look.ts'
import { type AgentContext, type Life, retryMs } from './loop-state.ts'
import { lookAt, openMailbox, type Pending } from './mailbox.ts'
import { hasRestarted, takeRestarts } from './restarts.ts'

/** Where the host does not even say that it can be heard, everything is compared after this time all the same. */
const FIRST_COMPARISON_MS = 30_000

/** What could not be taken back is tried again after this time. */
const REVERT_AGAIN_MS = 30_000

/**
 * The loop of one host: waits for the repository, the host or the clock, then does one turn. Level-triggered: what a message
 * says only tells where to look. Ends when the signal fires, between two writes at the latest.
 */
export async function runAgent(context: AgentContext): Promise<void> {
  const { clock, signal, watch } = context
  const life = await begin(context)
  const { mailbox, background } = life
  context.onNudge(() => {
    mailbox.post((pending) => {
      pending.look = true
      pending.all = 'asked for'
    })
  })
  context.onOrder(() => {
    mailbox.post((pending) => {
      pending.told = true
    })
  })
  context.onFleet((trouble) => {
    const fleetAway = fleetAwayNow(life.memory, trouble, clock.now())
    if (isDeepStrictEqual(fleetAway, life.memory.fleetAway)) return
    life.memory = { ...life.memory, fleetAway }
    mailbox.post((pending) => {
      pending.told = true
    })
  })
  background.begin('listen', () => listen(life, context))
  while (!signal.aborted) {
    const before = clock.now().getTime()
    const next = nextDue(life)
    const until = Number.isFinite(next) ? new Date(next) : null
    const pending = await Promise.race([mailbox.take(until), background.broken])
    if (clock.now().getTime() < before - CLOCK_JITTER_MS) allDue(life, clock.now().getTime())
    if (!isOver(signal)) await turn(pending, life, context)
  }
  await Promise.race([background.ended(), background.broken])
  await conclude(life, context)
  watch.say('info', 'stopped')
}

/** A restart that has come about meanwhile is not taken for one that was cut off. */
async function conclude(life: Life, context: AgentContext): Promise<void> {
  const restarts = (await life.mailbox.take(null)).restarts.filter(hasRestarted)
  if (restarts.length === 0) return
  takeRestarts({ restarts, qubes: new Map() }, life, context)
  await save(life, context.clock.now().toISOString(), context)
}

/** A call, for TypeScript: what was false before a wait need not be so after it. */
const isOver = (signal: AbortSignal): boolean => signal.aborted

const nextDue = ({ due }: Life): number => Math.min(due.look, due.compare, due.again, due.confirmation)

const CLOCK_JITTER_MS = 1000

/** After a clock has been set back nobody knows what would be due by now; a look too many costs little. */
function allDue({ due }: Life, now: number): void {
  if (Number.isFinite(due.look)) due.look = now
  due.compare = now
  if (Number.isFinite(due.again)) due.again = now
  if (Number.isFinite(due.confirmation)) due.confirmation = now
}

const FORGOTTEN = 'the next commit is judged by its signature alone, and need not come after the last'

/** What was known when the agent was last stopped. The commit that was in force is so again, whether or not its repository answers. */
async function begin({ clock, settings, signal, source, store, watch }: AgentContext): Promise<Life> {
  const { memory: kept, problem } = await store.load()
  if (problem !== null) {
    const about = { why: problem.message, file: await store.setAside() }
    watch.say('error', `what the agent knew cannot be read: ${FORGOTTEN}`, about)
  }
  const { where, paths, policy, fleet } = settings
  const isOther = kept.source !== '' && kept.source !== where
  if (isOther) {
    const forgotten = kept.inForce === null ? '' : `: ${FORGOTTEN}`
    watch.say('error', `follows ${where} now, and no longer ${kept.source}${forgotten}`)
  }
  const memory = {
    ...kept,
    ...(isOther ? { wanted: null, inForce: null, applied: null, refused: null, unreachable: null } : {}),
    source: where,
    paths,
    fleet,
    fleetAway: kept.fleet?.name === fleet?.name ? kept.fleetAway : null,
    mode: policy.commits,
    corrects: correctsDrift(policy),
    events: 'lost' as const,
    suspended: null,
  }
  const now = clock.now().getTime()
  const life: Life = {
    memory,
    told: kept,
    saved: null,
    spec: null,
    known: new Set(),
    said: new Set(),
    isUnkept: false,
    failures: 0,
    // The first comparison comes when events are heard, so that nothing is missed in between.
    due: { look: now, compare: now + FIRST_COMPARISON_MS, again: Infinity, confirmation: Infinity },
    confirmation: { waiting: null, notConfirmed: null, problem: null },
    retry: null,
    isComparing: false,
    lookAgain: false,
    mailbox: openMailbox(clock, signal),
    background: openBackground(),
  }
  const commit = memory.inForce?.commit
  if (commit === undefined) return life
  const revision = source.recall(commit)
  const loaded = revision === null ? undefined : loadSpec(commit, revision)
  if (loaded?.ok === true) life.spec = loaded.value.spec
  else if (loaded === undefined)
    watch.say('warn', 'the commit that was in force is not here any more: it is brought again', { commit })
  else watch.say('error', loaded.problem.message, { hint: loaded.problem.hint })
  return life
}

async function turn(pending: Pending, life: Life, context: AgentContext): Promise<void> {
  const { clock, hostname, watch } = context
  const noticedBy: NoticedBy = (qube, path) =>
    noticedIn(pending.qubes.get(qube) ?? new Set([pending.all ?? 'comparison']), path)
  let done: Reconciled | null = null
  try {
    done = await work(pending, noticedBy, life, context)
  } catch (error) {
    // A disk that is full, a folder that is not ours: told, and tried again.
    if (!isSystemError(error)) throw error
    const now = clock.now()
    life.failures += 1
    const problem = systemProblem(error)
    life.memory = { ...life.memory, error: errorSince(problem, life, now) }
    life.due.compare = now.getTime() + retryMs(life.failures)
    sayOnce('error', problem, life, context)
  }
  const at = clock.now().toISOString()
  await save(life, at, context)
  const { restarts } = pending
  watch.turn({ why: whyOf(pending), memory: life.memory, done, restarts })
  const told = { host: hostname, at, noticedBy, restarts }
  for (const notice of noticesOf(life.told, life.memory, done, told)) context.tell(notice)
  life.told = life.memory
}

async function work(
  pending: Pending,
  noticedBy: NoticedBy,
  life: Life,
  context: AgentContext,
): Promise<Reconciled | null> {
  const { clock, settings, signal, store } = context
  const { due } = life
  const told = await store.orders()
  for (const problem of told.problems) sayOnce('error', problem, life, context)
  const ordered = settings.fleet === null ? null : told.ordered
  heed(ordered, pending, life, clock.now().toISOString())
  const isOver = ordered !== null && ordered.id === life.memory.gaveUp?.id
  const orders = { ...told, ordered: isOver ? null : ordered }
  const now = clock.now()
  suspendedNow(holdsStill(orders.suspended, now) ? orders.suspended : null, life, context)
  if (pending.news !== null) await takeNews(pending.news, pending, orders, life, context)
  if (pending.look || now.getTime() >= due.look) beginLook(orders, life, context)
  await confirmationNow(pending, life, context)
  takeRestarts(pending, life, context)
  if (now.getTime() >= due.compare) pending.all ??= 'comparison'
  if (now.getTime() >= due.again) {
    due.again = Infinity
    if (life.retry === null) pending.all ??= 'another try'
    else for (const qube of life.retry) lookAt(pending, qube, 'another try')
  }
  if (life.spec === null || (pending.all === null && pending.qubes.size === 0) || signal.aborted) {
    // There is nothing to compare the host with yet: it is when a commit comes.
    if (life.spec === null) {
      due.compare = now.getTime() + FIRST_COMPARISON_MS
      // What the disk refused a moment ago it has just done.
      if (life.memory.error?.code === 'system-error') isWell(life)
    }
    return null
  }
  const about = pending.all === null ? new Set(pending.qubes.keys()) : null
  return act({ spec: life.spec, about, noticedBy, orders }, life, context)
}

/** Where an apply has been taken back, or no longer waits, everything is compared: nothing was done meanwhile. */
async function confirmationNow(pending: Pending, life: Life, context: AgentContext): Promise<void> {
  const before = life.confirmation
  const next = await context.host.confirmation()
  const { waiting, problem } = next
  life.confirmation = next
  const again = context.clock.now().getTime() + REVERT_AGAIN_MS
  life.due.confirmation =
    waiting === null ? Infinity : waiting.until === null ? again : Date.parse(waiting.until)
  if (problem !== null && problem.message !== before.problem?.message)
    context.watch.say('warn', problem.message, { hint: problem.hint })
  if (waiting === null && (before.waiting !== null || problem !== null)) pending.all ??= 'another try'
}

/** Whoever reads the log wonders why nothing is written. */
function suspendedNow(suspended: Suspension | null, life: Life, { watch }: AgentContext): void {
  const before = life.memory.suspended
  life.memory = { ...life.memory, suspended }
  if (isDeepStrictEqual(suspended, before)) return
  if (suspended === null) watch.say('info', 'no longer suspended')
  else {
    const { by, until, why } = suspended
    watch.say('info', `suspended by ${by}${why === '' ? '' : `: ${why}`}`, { until })
  }
}

/** What failed or was refused before may do now that it is asked for again. */
function heed(ordered: Ordered | null, pending: Pending, life: Life, at: string): void {
  if (ordered === null || ordered.id === life.memory.ordered?.id) return
  const unreachable = triedAnew(life.memory.unreachable)
  const { id, commit, back } = ordered
  life.memory = {
    ...life.memory,
    ...{ ordered: { id, commit, back }, refused: null, unreachable, gaveUp: null },
  }
  if (commit !== life.memory.inForce?.commit) {
    pending.look = true
    return
  }
  const wanted = life.memory.wanted?.commit === commit ? life.memory.wanted : { commit, seenAt: at }
  life.memory = { ...life.memory, ...UNTRIED, wanted }
  pending.all ??= 'an order'
}

/** An order brings no repository back: that it is away stays told, and only the patience with it begins anew. */
const triedAnew = (unreachable: Memory['unreachable']): Memory['unreachable'] =>
  unreachable === null ? null : { ...unreachable, times: Math.min(unreachable.times, UNREACHABLE_FROM) }

const whyOf = ({ all, qubes }: Pending): string => {
  const why = all ?? [...new Set([...qubes.values()].flatMap((events) => [...events]))].join(', ')
  return why === '' ? 'a look at the repository' : why
}

const UNKEPT = '`qstate status` shows what it knew before; see to room and permission there'

/** Only what is news is written: a look that finds nothing leaves the disk alone. */
async function save(life: Life, at: string, { store, watch }: AgentContext): Promise<void> {
  if (JSON.stringify(life.memory) === JSON.stringify(life.saved)) return
  const memory = { ...life.memory, updatedAt: at }
  try {
    await store.save(memory)
    // What has been heard meanwhile stands: it is saved with the next turn.
    life.memory = { ...life.memory, updatedAt: at }
    life.saved = memory
    if (life.isUnkept) watch.say('info', 'what the agent knows is kept again')
    life.isUnkept = false
  } catch (error) {
    if (!isSystemError(error)) throw error
    const { message } = systemProblem(error)
    if (!life.isUnkept)
      watch.say('error', `what the agent knows cannot be kept: ${message}`, { hint: UNKEPT })
    life.isUnkept = true
  }
}
