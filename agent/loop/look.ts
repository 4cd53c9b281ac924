import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Orders } from '../state/index.ts'
import { loadSpec } from './load-spec.ts'
import { type AgentContext, type Life, retryMs } from './loop-state.ts'
import { type Pending } from './mailbox.ts'
import { type News } from './source.ts'

/** What is known of a commit of which nothing has come yet. */
export const UNTRIED = { failures: {}, failing: [], compared: false, settled: false } as const

/** Begins a look at the repository; what it finds comes by the mailbox. A server that does not answer keeps nobody waiting. */
export function beginLook(orders: Orders, life: Life, { signal, source }: AgentContext): void {
  const { inForce } = life.memory
  const base = inForce === null ? null : { commit: inForce.commit, known: life.spec !== null }
  const { accepted, ordered } = orders
  const isBegun = life.background.begin('look', async () => {
    const news = await source.look({ base, accepted, ordered }, signal)
    if (signal.aborted) return
    life.mailbox.post((pending) => {
      pending.news = news
    })
  })
  if (isBegun) life.due.look = Infinity
  else life.lookAgain = true
}

/** Takes what a look has found, and puts a new commit in force if it may be. */
export async function takeNews(
  news: News,
  pending: Pending,
  orders: Orders,
  life: Life,
  context: AgentContext,
): Promise<void> {
  const { clock, settings, store, watch } = context
  const { inForce } = life.memory
  life.due.look = clock.now().getTime() + (life.lookAgain ? 0 : settings.lookEvery)
  life.lookAgain = false
  const at = clock.now().toISOString()
  if (news.kind === 'unreachable') {
    unreached(news, at, orders, life, context)
    return
  }
  if (news.kind === 'nothing') return
  const { commit } = news
  // Another one has been ordered since: this one is not even begun with.
  if (orders.ordered !== null && orders.ordered.commit !== commit) {
    life.due.look = clock.now().getTime()
    return
  }
  if (life.memory.unreachable !== null) watch.say('info', 'the repository can be reached again')
  const seenAt = life.memory.wanted?.commit === commit ? life.memory.wanted.seenAt : at
  life.memory = { ...life.memory, unreachable: null, wanted: { commit, seenAt } }
  // A look that had begun before it was put in force finds it once more.
  if (news.kind === 'unchanged' || (news.kind === 'commit' && commit === life.spec?.commit)) {
    life.memory = { ...life.memory, refused: null }
    return
  }
  const loaded =
    news.kind === 'refused'
      ? ({ ok: false, problem: news.problem } as const)
      : loadSpec(commit, news.revision)
  if (!loaded.ok) {
    refuse(commit, loaded.problem, at, life, context)
    return
  }
  const signers = news.kind === 'commit' ? news.signers : ''
  const { spec, warnings } = loaded.value
  if (warnings !== '') watch.say('warn', warnings, { commit })
  watch.say('info', 'a commit is in force', { commit, signers })
  if (news.kind === 'commit' && news.backdated)
    watch.say(
      'warn',
      'the commit is dated before the one that it replaces: is a clock wrong, or its key in other hands?',
      { commit },
    )
  life.spec = spec
  const since = inForce?.commit === commit ? inForce.since : at
  // What failed with another commit may do with this one.
  life.memory = {
    ...life.memory,
    refused: null,
    inForce: { commit, since, signers },
    ...UNTRIED,
    put: [],
  }
  if (orders.accepted !== null) await store.accept(null)
  // A consent is for a commit and those that follow it.
  if (orders.consent !== null && (orders.accepted !== null || orders.ordered?.back === true))
    await store.consent(null)
  // Before events are heard, the first comparison is still to come anyway.
  if (life.memory.events !== 'lost' || life.known.size > 0) pending.all = 'a new commit'
}

/** Tries at the repository after which a fleet no longer waits for a host that cannot get a commit: some minutes. */
const PATIENCE = 8

function unreached(
  { problem }: Extract<News, { kind: 'unreachable' }>,
  at: string,
  { ordered }: Orders,
  life: Life,
  { clock, settings, watch }: AgentContext,
): void {
  const { since, times } = life.memory.unreachable ?? { since: at, times: 0 }
  // It is over then: whoever leads the fleet counts on that, and has others begin. What is in force is only read again.
  const isAwaited = ordered !== null && ordered.commit !== life.memory.inForce?.commit
  if (isAwaited && times + 1 >= PATIENCE)
    life.memory = { ...life.memory, gaveUp: { ...problem, id: ordered.id } }
  // A fleet waits for a host that has taken an order.
  if (settings.fleet !== null)
    life.due.look = clock.now().getTime() + Math.min(settings.lookEvery, retryMs(times + 1))
  // It is looked at again and again: only what is otherwise than last time is said.
  if (life.memory.unreachable?.message !== problem.message)
    watch.say('warn', problem.message, { hint: problem.hint })
  life.memory = { ...life.memory, unreachable: { ...problem, since, times: times + 1 } }
}

function refuse(commit: string, problem: Problem, at: string, life: Life, { watch }: AgentContext): void {
  const known = life.memory.refused
  const isNews = known?.commit !== commit || known.code !== problem.code
  if (isNews) watch.say('error', `commit refused: ${problem.message}`, { commit, hint: problem.hint })
  life.memory = { ...life.memory, refused: { ...problem, commit, since: isNews ? at : known.since } }
}
