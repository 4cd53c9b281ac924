import { act } from './act.ts'
import { type AgentContext, type Life } from './life.ts'
import { listen } from './listen.ts'
import { loadSpec } from './load-spec.ts'
import { look } from './look.ts'
import { lookAt, openMailbox, type Pending } from './mailbox.ts'
import { type NoticedBy, noticedIn } from './noticed.ts'
import { noticesOf } from './notices.ts'
import { type Reconciled } from './reconcile.ts'

/**
 * The loop of one host: waits for the repository, the host or the clock, then does one turn. Level-triggered: what a message
 * says only tells where to look. Ends when the signal fires, between two writes at the latest.
 */
export async function runAgent(context: AgentContext): Promise<void> {
  const { clock, signal, watch } = context
  const life = await begin(context)
  const mailbox = openMailbox(clock, signal)
  context.onNudge(() => {
    mailbox.post((pending) => {
      pending.look = true
      pending.all = 'asked for'
    })
  })
  const listening = listen(life, mailbox, context)
  // What goes wrong there ends the loop, whatever it waits for.
  const broken = listening.then(() => new Promise<never>(() => undefined))
  while (!signal.aborted) {
    const { look, compare, again } = life.due
    const next = Math.min(look, compare, again)
    const pending = await Promise.race([mailbox.take(Number.isFinite(next) ? new Date(next) : null), broken])
    if (!isOver(signal)) await turn(pending, life, context)
  }
  await listening
  watch.say('info', 'stopped')
}

/** A call, for TypeScript: what was false before a wait need not be so after it. */
const isOver = (signal: AbortSignal): boolean => signal.aborted

/** What was known when the agent was last stopped. The commit that was in force is so again, whether or not its repository answers. */
async function begin({ clock, settings, source, store, watch }: AgentContext): Promise<Life> {
  const kept = await store.load()
  const { where, policy } = settings
  const isOther = kept.source !== '' && kept.source !== where
  if (isOther) watch.say('warn', `follows ${where} now, and no longer ${kept.source}`)
  const memory = {
    ...kept,
    ...(isOther ? { wanted: null, inForce: null, applied: null, refused: null, unreachable: null } : {}),
    source: where,
    paths: settings.paths,
    mode: policy.mode,
    events: 'lost' as const,
    error: null,
  }
  const life: Life = {
    memory,
    told: kept,
    saved: null,
    spec: null,
    known: new Set(),
    failures: 0,
    // The first comparison comes when events are heard, so that nothing is missed in between.
    due: { look: clock.now().getTime(), compare: Infinity, again: Infinity },
    retry: null,
  }
  const commit = memory.inForce?.commit
  if (commit === undefined) return life
  const revision = source.recall(commit)
  const loaded = revision === null ? undefined : loadSpec(commit, revision)
  if (loaded !== undefined && 'spec' in loaded) life.spec = loaded.spec
  else watch.say('warn', 'the commit that was in force is not here any more: it is brought again', { commit })
  return life
}

async function turn(pending: Pending, life: Life, context: AgentContext): Promise<void> {
  const { clock, hostname, store, watch } = context
  const { due } = life
  const now = clock.now()
  const orders = await store.orders()
  if (pending.look || now.getTime() >= due.look) await look(pending, orders, life, context)
  if (now.getTime() >= due.compare) pending.all ??= 'comparison'
  if (now.getTime() >= due.again) {
    due.again = Infinity
    if (life.retry === null) pending.all ??= 'another try'
    else for (const qube of life.retry) lookAt(pending, qube, 'another try')
  }
  let done: Reconciled | null = null
  const why =
    pending.all ?? [...new Set([...pending.qubes.values()].flatMap((events) => [...events]))].join(', ')
  const noticedBy: NoticedBy = (qube, path) =>
    noticedIn(pending.qubes.get(qube) ?? new Set([pending.all ?? 'comparison']), path)
  if (life.spec !== null && why !== '' && !context.signal.aborted) {
    const about = pending.all === null ? new Set(pending.qubes.keys()) : null
    done = await act({ spec: life.spec, about, noticedBy, orders }, life, context)
  }

  const at = clock.now().toISOString()
  life.memory = { ...life.memory, suspended: orders.suspended }
  await save(life, at, context)
  watch.turn({ why: why === '' ? 'a look at the repository' : why, memory: life.memory, done })
  const told = { host: hostname, at, noticedBy }
  for (const notice of noticesOf(life.told, life.memory, done, told)) context.tell(notice)
  life.told = life.memory
}

/** Only what is news is written: a look that finds nothing leaves the disk alone. */
async function save(life: Life, at: string, { store, watch }: AgentContext): Promise<void> {
  if (JSON.stringify(life.memory) === JSON.stringify(life.saved)) return
  const memory = { ...life.memory, updatedAt: at }
  try {
    await store.save(memory)
    life.memory = memory
    life.saved = memory
  } catch (error) {
    watch.say('error', 'what the agent knows could not be saved', { why: String(error) })
  }
}
