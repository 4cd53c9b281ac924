import { type Problem, problem } from '../../spec/diagnostics/index.ts'
import { type Ordered } from '../../documents/agent/index.ts'
import {
  asHostProblem,
  asHostText,
  type Condition,
  type HostReport,
  type MemberMemory,
  type Order,
  orderDocument,
} from '../../documents/fleet/index.ts'
import { type ConsentTrust, judgeConsent } from '../consent/index.ts'
import { KEYS, readEntry, reportIn, type Store } from '../store/index.ts'

/** The agent of a host, as its fleet needs it. */
export interface FollowedAgent {
  /**
   * Has it bring the host to a commit, and keep it there, whatever else it followed. It verifies the commit as it does any other.
   * `back`: the host has had this commit, and may return to it. `id`: the same commit may be ordered again. `consent`: to withdrawals, as
   * this host has judged it. Comes back once this will be done even after a crash.
   */
  follow(order: Ordered): Promise<void>
  /** How it stands with what it was last told to follow. */
  status(asked: Asked): Promise<AgentStatus>
}

export interface Asked {
  /** Qubes that should run, where they are. */
  readonly running: readonly string[]
  readonly check: string | null
  /** As it is now, rather than as it was when the agent last looked; and the check is run. */
  readonly fresh: boolean
  /** An order is about to be claimed: whether anything holds the host is to be known as it is now. */
  readonly begins?: boolean
}

export interface AgentStatus extends Condition {
  /** The commit that it was told to follow. */
  readonly following: string | null
  /** What came of it: still at it, done, failed, or the commit was refused. */
  readonly outcome: 'idle' | 'working' | 'applied' | 'failed' | 'refused'
}

export interface MemberContext {
  readonly host: string
  readonly store: Pick<Store, 'get' | 'put'>
  readonly agent: FollowedAgent
  /** Whose consent to withdrawals is enough here. */
  readonly trust: ConsentTrust
  /** Survives a crash once it has come back. */
  readonly save: (memory: MemberMemory) => Promise<void>
  /** ISO 8601, for people. */
  readonly at: () => string
  readonly say: (level: 'info' | 'warn' | 'error', message: string) => void
}

export interface Member {
  memory: MemberMemory
  /** Our report as last written or read. */
  report: { readonly value: HostReport | null; readonly revision: number } | null
  /** The order for which this process has looked how the host is: what it said then stands until it is asked again. */
  looked: string | null
  /** Why what stands there as an order cannot be read, so that it is said once. */
  unread?: string
}

export const NO_MEMORY: MemberMemory = { epoch: 0, order: null, past: [] }

const PAST = 20

/**
 * One turn of a host: take its order, report. An order is claimed in the host's report before anything is done about it; where it
 * was taken back in the meantime, the claim fails. True: something was done. Fails with QstateError.
 */
export async function memberTurn(mine: Member, context: MemberContext, beat: boolean): Promise<boolean> {
  const found = await readOrder(mine, context)
  mine.report ??= await readOwn(context)
  const order = await admit(mine, found, context)
  if (order !== null && !isKnown(mine, order)) {
    const status = await context.agent.status({ ...order, fresh: false })
    const why = whyNot(mine, order, status) ?? forgedConsent(order, context)
    if (why !== null) return refuse(mine, order, why, status, context, beat)
    // What is in force already is no work, and needs no place among those at work.
    const isThere = status.commit === order.commit && status.outcome === 'applied'
    const isClaimed = mine.report.value?.order === order.id
    const begins = !isThere && !isClaimed
    const { held } = begins ? await context.agent.status({ ...order, fresh: false, begins }) : status
    // It says so instead of claiming: nobody waits for what it would not begin.
    if (begins && held !== null) return report(mine, context, beat, false)
    if (begins && !(await claim(mine, order, status, context))) return true
    await take(mine, order, status.commit, context)
    return true
  }
  return report(mine, context, beat, order?.look === true)
}

/** Null: there is none, or none that can be read. */
async function readOrder(mine: Member, { store, host, say }: MemberContext): Promise<Order | null> {
  const entry = await store.get(`${KEYS.orders}${host}`)
  const read = entry === null ? null : readEntry(orderDocument, entry)
  if (read === null || read.ok) return read?.value ?? null
  if (mine.unread !== read.problem.message) say('error', read.problem.message)
  mine.unread = read.problem.message
  return null
}

/** An order that is to be obeyed. One of an older term is of a controller that has been followed by another. */
async function admit(mine: Member, order: Order | null, context: MemberContext): Promise<Order | null> {
  if (order === null) return null
  const { memory } = mine
  if (mine.report?.value?.recalled === order.id && order.id !== memory.order?.id) return null
  if (order.epoch > memory.epoch) await remember(mine, { ...memory, epoch: order.epoch }, context)
  return order
}

/** The same order once more, whoever leads by now. */
const isKnown = ({ memory }: Member, { id, commit, epoch }: Order): boolean =>
  id === memory.order?.id && commit === memory.order.commit && epoch >= memory.epoch

/** Why an order is not obeyed: it is of a term that is over, or leads back to where the host has never been. */
function whyNot({ memory }: Member, { back, commit, epoch }: Order, status: AgentStatus): Problem | null {
  if (epoch < memory.epoch) {
    const message = `its term ${epoch} is over, the last seen is ${memory.epoch}`
    return { code: 'old-term', message, hint: 'was the store made anew? docs/fleet.md says what to do then' }
  }
  if (!back || commit === status.commit || memory.past.includes(commit)) return null
  const message = `this host has never been at ${commit}, as far as it knows`
  return { code: 'never-had', message, hint: 'bring it there with a new commit' }
}

function forgedConsent(order: Order, { host, trust }: MemberContext): Problem | null {
  if (judgeConsent(order, host, trust) !== 'forged') return null
  const message =
    'the consent to withdrawals that came with it is not what its key signed for this host and commit'
  return problem('forged-consent', message, 'start the rollout again; who else can write to the store?')
}

/** Whoever waits for it has to know: it will not come. */
async function refuse(
  mine: Member,
  order: Order,
  trouble: Problem,
  status: AgentStatus,
  context: MemberContext,
  beat: boolean,
): Promise<boolean> {
  const value = describe(mine, context, order.id, { ...status, outcome: 'refused', trouble }, false)
  const isNews = !isSame(value, mine.report?.value ?? null)
  if (!isNews && !beat) return false
  if (isNews) context.say('error', `order ${order.id} refused: ${trouble.message}`)
  await write(mine, value, context)
  return false
}

async function claim(
  mine: Member,
  order: Order,
  status: AgentStatus,
  context: MemberContext,
): Promise<boolean> {
  const begun: AgentStatus = { ...status, outcome: 'working', trouble: null, check: null }
  return write(mine, describe(mine, context, order.id, begun, false), context)
}

async function take(
  mine: Member,
  order: Order,
  inForce: string | null,
  context: MemberContext,
): Promise<void> {
  // Only what has been in force, from before it had a fleet, too: whatever is ordered has still to be judged.
  const earlier = mine.memory.past.filter((one) => one !== inForce)
  const past = [...earlier, ...(inForce === null ? [] : [inForce])].slice(-PAST)
  const { id, commit, back } = order
  const consent = receivedConsent(order, context)
  const agreed = consent === null ? '' : `, with consent to withdrawals by ${consent.by}`
  const rest = consent?.isEnough === false ? ', which is not enough on this host' : ''
  context.say('info', `order ${id}: ${commit}${agreed}${rest}`)
  // Where it may go back to has to be known before it goes forward; the order only once it is certain that it is followed.
  await remember(mine, { ...mine.memory, past }, context)
  await context.agent.follow({ id, commit, back, consent })
  // The list may be long, and is for once: where the order has to be followed anew, it comes without.
  await remember(mine, { ...mine.memory, order: { ...order, consent: null } }, context)
}

/** A consent as the agent keeps it. */
function receivedConsent(
  order: Order,
  { host, trust }: MemberContext,
): NonNullable<Ordered['consent']> | null {
  const worth = judgeConsent(order, host, trust)
  if (worth === 'none' || worth === 'forged' || !order.consent) return null
  const { by, at, withdrawals } = order.consent
  const isEnough = worth === 'enough'
  return { isEnough, by, at, withdrawals: isEnough ? withdrawals : [] }
}

async function remember(mine: Member, memory: MemberMemory, context: MemberContext): Promise<void> {
  await context.save(memory)
  mine.memory = memory
}

/** `looks`: the order that is followed asks how the host is. It was read before the host is looked at. */
async function report(mine: Member, context: MemberContext, beat: boolean, looks: boolean): Promise<boolean> {
  const { order } = mine.memory
  const id = order?.id ?? null
  const fresh = looks && mine.looked !== id
  const status = await context.agent.status({ ...(order ?? { running: [], check: null }), fresh })
  const stands = order === null || status.following === order.commit
  if (order !== null && !stands) {
    // What it follows was lost on its disk, or put there by somebody else.
    const { id: lost, commit, back } = order
    await context.agent.follow({ id: lost, commit, back, consent: null })
    return true
  }
  // What is not done yet has not been looked at.
  if (fresh && status.outcome === 'applied') mine.looked = id
  const value = describe(mine, context, id, status, looks && mine.looked === id)
  if (!beat && isSame(value, mine.report?.value ?? null)) return false
  return write(mine, value, context)
}

function describe(
  mine: Member,
  context: MemberContext,
  order: string | null,
  status: AgentStatus,
  looked: boolean,
): HostReport {
  const { outcome, commit, digest, generation, drift, restarts, notRunning, check, trouble, held } = status
  const { unseenSince, hold = null, restartsHeld = [] } = status
  return {
    schema: 'qstate.report',
    version: 1,
    host: context.host,
    beat: (mine.report?.value?.beat ?? 0) + 1,
    at: context.at(),
    order,
    looked,
    status: outcome,
    ...{ commit, digest, generation, drift, restarts, notRunning, check },
    ...(restartsHeld.length === 0 ? {} : { restartsHeld: restartsHeld.slice(0, MAX_HELD).map(asHostText) }),
    trouble: trouble === null ? null : asHostProblem(trouble),
    held: held === null ? null : asHostText(held),
    hold: hold === null ? null : asHostProblem(hold),
    unseenSince,
    recalled: mine.report?.value?.recalled ?? null,
  }
}

/** As many as a report takes, and more than anyone reads. */
const MAX_HELD = 20

const isSame = (a: HostReport, b: HostReport | null): boolean =>
  b !== null && JSON.stringify({ ...a, beat: 0, at: '' }) === JSON.stringify({ ...b, beat: 0, at: '' })

async function readOwn({ store, host }: MemberContext): Promise<NonNullable<Member['report']>> {
  const entry = await store.get(`${KEYS.reports}${host}`)
  return { value: reportIn(entry), revision: entry?.revision ?? 0 }
}

/** False: somebody else has written it, so it is read again first. */
async function write(mine: Member, value: HostReport, context: MemberContext): Promise<boolean> {
  const over = mine.report?.revision ?? 0
  // Until it is answered, nobody knows what is there.
  mine.report = null
  const revision = await context.store.put(`${KEYS.reports}${context.host}`, value, over)
  if (revision === null) return false
  mine.report = { value, revision }
  return true
}
