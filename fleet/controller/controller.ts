import { mapLimited } from '../../reconciler/index.ts'
import {
  type Order,
  orderDocument,
  rolloutConsentDocument,
  type RolloutState,
  rolloutStateDocument,
} from '../../documents/fleet/index.ts'
import { isEnded, orderOf, step, violations } from '../rollout/index.ts'
import { documentIn, type Entry, KEYS, readEntry, reportIn, type Store } from '../store/index.ts'
import { archive } from './history.ts'
import { isLeading, lead, type Leadership, notLeading } from './leadership.ts'
import { newView, note, observe, type View } from './view.ts'

export interface ControllerContext {
  readonly store: Store
  readonly who: string
  readonly leaseMs: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  readonly say: (level: 'info' | 'warn' | 'error', message: string) => void
}

/** What a controller has in memory: nothing that would be missed. */
export interface Controller {
  readonly view: View
  readonly leadership: Leadership
  term: number | null
  /** Up to when time has been counted. */
  countedMs: number | null
  /** What was last found broken, so that it is told once. */
  broken: string | null
  /** The ending that was last put into the history. */
  archived: string | null
}

export const newController = (nowMs: number): Controller => ({
  view: newView(nowMs),
  leadership: notLeading(),
  term: null,
  countedMs: null,
  broken: null,
  archived: null,
})

/** Time is stored this often where nothing else happens: no more of it is lost when a controller is killed. */
const COUNT_EVERY_MS = 10_000
const WRITES_AT_ONCE = 32

/**
 * One turn: lead, look, step, store, order. Whatever fails, or whenever it is killed, the next turn of any controller goes on from
 * what is stored. True: something was done, and there may be more to do. Fails with QstateError.
 */
export async function controllerTurn(mine: Controller, context: ControllerContext): Promise<boolean> {
  const { leadership } = mine
  const term = await lead(leadership, context)
  if (term !== mine.term) {
    mine.term = term
    mine.countedMs = null
    context.say('info', term === null ? 'another controller is in charge' : `in charge, term ${term}`)
  }
  if (term === null) return false
  const entry = await current(mine, context)
  const read = entry === null ? null : readEntry(rolloutStateDocument, entry)
  sayUnread(mine, context)
  if (entry === null || read?.ok !== true) {
    if (read?.ok === false)
      tellBroken(mine, context, `${read.problem.message} (revision ${entry?.revision ?? 0})`)
    mine.countedMs = context.now()
    return false
  }
  const before = read.value
  if (before.epoch > term) {
    leadership.held = null
    return false
  }
  const nowMs = context.now()
  // Time before this controller was in charge is nobody's to count.
  const elapsed = mine.countedMs === null ? 0 : Math.round(nowMs - mine.countedMs)
  mine.countedMs ??= nowMs
  // What has ended may be begun again by a person's word, or be followed by another: its time starts then.
  if (isEnded(before)) mine.countedMs = nowMs
  const seen = observe(mine.view, Object.keys(before.hosts), nowMs)
  const { state, recalls } = step(before, seen, elapsed)
  const next: RolloutState = { ...state, epoch: term }
  const stored = await store(mine, context, entry, before, next, nowMs)
  if (stored === 'lost') return true
  const written = await writeOrders(mine, context, next)
  const taken = await takeBack(mine, context, recalls)
  const ending = `${next.serial} ${next.phase}`
  if (isEnded(next) && mine.archived !== ending) {
    await archive(context.store, next)
    mine.archived = ending
  }
  return stored === 'stored' || written || taken
}

/** The rollout as it is now: what is watched may lag behind what others, or we, have written. */
async function current({ view }: Controller, { store: from, now }: ControllerContext): Promise<Entry | null> {
  const entry = await from.get(KEYS.rollout)
  if (entry !== null) note(view, entry, now(), true)
  return entry
}

async function store(
  mine: Controller,
  { store: to, now, leaseMs, say }: ControllerContext,
  entry: Entry,
  before: RolloutState,
  next: RolloutState,
  nowMs: number,
): Promise<'stored' | 'same' | 'lost'> {
  const changed = !isSame(before, next)
  const isTime = !isEnded(before) && next.clockMs - before.clockMs >= COUNT_EVERY_MS
  if (!changed && !isTime) return 'same'
  const wrong = violations(next, before)
  if (wrong.length > 0) {
    // Whatever led here is a mistake in qstate: better a rollout that stands still than one that goes on wrongly.
    tellBroken(mine, { say }, `a step that must not be was not taken: ${wrong.join('; ')}`)
    return 'lost'
  }
  if (!isLeading(mine.leadership, leaseMs, now())) return 'lost'
  // Whatever the answer: a write that seems to have failed may have been done, and no time is to be counted twice.
  mine.countedMs = nowMs
  const revision = await to.put(KEYS.rollout, next, entry.revision)
  if (revision === null) return 'lost'
  note(mine.view, { key: KEYS.rollout, value: next, revision, at: null }, now(), true)
  return changed ? 'stored' : 'same'
}

/** Equal but for the time. */
function isSame(a: RolloutState, b: RolloutState): boolean {
  if (a.epoch !== b.epoch || a.phase !== b.phase || a.wave !== b.wave || a.why !== b.why) return false
  return Object.entries(b.hosts).every(([name, host]) => {
    const was = a.hosts[name]
    return was === host || JSON.stringify(was) === JSON.stringify(host)
  })
}

/** Every host finds the order that the stored state says. None is written over by a controller of an older term. */
async function writeOrders(
  mine: Controller,
  { store: to, now, leaseMs }: ControllerContext,
  state: RolloutState,
): Promise<boolean> {
  const due = Object.keys(state.hosts).flatMap((name) => {
    const order = orderOf(state, name)
    const there = mine.view.entries.get(`${KEYS.orders}${name}`)
    const found = documentIn(orderDocument, there)
    const isThere = found?.id === order?.id && found?.look === order?.look
    return order === null || isThere ? [] : [{ name, order, there }]
  })
  const done = await mapLimited(due, WRITES_AT_ONCE, async ({ name, order, there }) => {
    if (!isLeading(mine.leadership, leaseMs, now())) return false
    const key = `${KEYS.orders}${name}`
    if ((documentIn(orderDocument, there)?.epoch ?? 0) > state.epoch) {
      mine.leadership.held = null
      return false
    }
    const full = await withConsent(order, state, name, to)
    const revision = await to.put(key, full, there?.revision ?? 0)
    const entry = revision === null ? await to.get(key) : { key, value: full, revision, at: null }
    if (entry !== null) note(mine.view, entry, now(), true)
    return true
  })
  return done.includes(true)
}

/** An order with the consent that was given for its host at the start. What stands there of another rollout or commit is left. */
async function withConsent(order: Order, state: RolloutState, host: string, from: Store): Promise<Order> {
  if (order.back || state.hosts[host]?.consented !== true) return order
  const given = documentIn(rolloutConsentDocument, await from.get(KEYS.consents + host))
  const isOfThis = given?.rollout === state.serial && given.commit === order.commit
  return isOfThis ? { ...order, consent: given.consent } : order
}

/** Takes orders back on the hosts' own reports, where a host has to claim them: one of the two comes first. */
async function takeBack(
  mine: Controller,
  { store: to, now, leaseMs }: ControllerContext,
  hosts: readonly string[],
): Promise<boolean> {
  const done = await mapLimited(hosts, WRITES_AT_ONCE, async (name) => {
    const key = `${KEYS.reports}${name}`
    const entry = mine.view.entries.get(key)
    const report = reportIn(entry)
    const order = documentIn(orderDocument, mine.view.entries.get(`${KEYS.orders}${name}`))
    if (entry === undefined || report === null || order === null) return false
    if (report.order === order.id || report.recalled === order.id) return false
    if (!isLeading(mine.leadership, leaseMs, now())) return false
    const recalled = { ...report, recalled: order.id }
    const revision = await to.put(key, recalled, entry.revision)
    if (revision === null) {
      const news = await to.get(key)
      if (news !== null) note(mine.view, news, now(), true)
      return true
    }
    // Not the host's word: it has not been heard of.
    mine.view.entries.set(key, { key, value: recalled, revision, at: null })
    return true
  })
  return done.includes(true)
}

/** What hosts have written, and cannot be read, is passed over: once is enough to be told of it. */
function sayUnread({ view }: Controller, { say }: Pick<ControllerContext, 'say'>): void {
  for (const { message } of view.unread.splice(0)) say('warn', message)
}

function tellBroken(mine: Controller, { say }: Pick<ControllerContext, 'say'>, what: string): void {
  if (mine.broken !== what) say('error', what)
  mine.broken = what
}
