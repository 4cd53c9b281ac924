import { type HostReport, type HostState } from '../../documents/fleet/index.ts'
import { problem } from '../../spec/diagnostics/index.ts'
import { absence, type Draft, type Heard, isAway, isFree, isProven, move, SEE } from './draft.ts'
import { judge } from './health.ts'
import { orderId } from './order.ts'
import { because, NO_REASON, type Reason } from './state.ts'

/** What a host's report, or its silence, comes to. */
export function absorb(draft: Draft, name: string): void {
  const host = draft.hosts[name]
  const heard = draft.seen.get(name)
  if (host === undefined || heard === undefined) return
  const isMine = heard.report.order === orderId(draft.before.serial, host.turn)
  switch (host.stage) {
    case 'ordered':
      if (isMine) taken(draft, name, heard)
      else untaken(draft, name, host, heard.report)
      return
    case 'lost':
      if (isMine) found(draft, name, heard)
      return
    case 'soaking':
      if (isMine) watch(draft, name, host, heard)
      return
    case 'passed':
      if (isMine && hasFailed(heard.report)) fail(draft, name, heard.report)
      return
    case 'returning':
    case 'missing':
    case 'stuck':
      if (isMine) givenBack(draft, name, heard)
      else if (host.stage === 'returning') untaken(draft, name, host, heard.report)
      return
    case 'waiting':
    case 'failed':
    case 'skipped':
    case 'later':
    case 'owed':
    case 'returned':
    case 'kept':
      return
  }
}

const isStopping = ({ before }: Draft): boolean =>
  before.phase === 'stopping' || before.phase === 'rolling-back'

/** An order that nobody has claimed can be taken back, and until it has been the host may begin at any time. */
function untaken(draft: Draft, name: string, host: HostState, report: HostReport): void {
  const isBack = host.stage === 'returning'
  if (report.recalled === orderId(draft.before.serial, host.turn)) {
    if (isBack) move(draft, name, 'owed')
    else passOver(draft, name, host)
    return
  }
  const stops = isStopping(draft) && !isBack
  if (stops || !isFree(draft, name)) draft.recalls.push(name)
}

/** Its order was taken back: it is waited for, or not, as one is whose turn has just come. */
function passOver(draft: Draft, name: string, { wave }: HostState): void {
  const away = absence(draft, name)
  if (away !== null || isStopping(draft))
    move(draft, name, whenAway(draft), away === null ? NO_REASON : because(away))
  else move(draft, name, wave === draft.before.wave ? 'waiting' : 'later')
}

/** Until somebody has shown that the revision works, nobody is passed over. */
function whenAway(draft: Draft): 'skipped' | 'later' | 'waiting' {
  if (isStopping(draft)) return 'skipped'
  if (!isProven(draft) || draft.before.away.then === 'wait') return 'waiting'
  return draft.before.away.then === 'later' ? 'later' : 'skipped'
}

function taken(draft: Draft, name: string, { report }: Heard): void {
  const consent = consentAwaited(draft, report)
  if (consent !== null) move(draft, name, 'ordered', { given: true, ...consent })
  else if (hasFailed(report)) fail(draft, name, report)
  else if (isDone(report, draft.before.commit)) move(draft, name, 'soaking', { given: true, ...NO_REASON })
  // It goes on when its owner lets it; nobody else is kept waiting for what they had.
  else if (isStopping(draft) && report.held !== null)
    move(draft, name, 'lost', {
      given: true,
      ...because(problem('host-held', `held at work: ${report.held}`, SEE)),
    })
  else if (isAway(draft, name) && (draft.before.away.then !== 'wait' || isStopping(draft)))
    move(draft, name, 'lost', { given: true, ...because(problem('away', 'went silent at work', SEE)) })
  else move(draft, name, 'ordered', { given: true })
}

function found(draft: Draft, name: string, { report }: Heard): void {
  const consent = consentAwaited(draft, report)
  if (consent !== null) move(draft, name, 'ordered', consent)
  else if (hasFailed(report)) fail(draft, name, report)
  else if (isDone(report, draft.before.commit)) move(draft, name, 'soaking', NO_REASON)
  else if (isFree(draft, name)) move(draft, name, 'ordered', NO_REASON)
}

/**
 * A host that withdraws nothing before someone agrees is waited for: others would be given back what they had for a question that is
 * still open. Where the rollout stops it has failed, and goes back itself. Null: it waits for no consent.
 */
function consentAwaited(draft: Draft, { status, trouble }: HostReport): Reason | null {
  const isOpen = status === 'failed' && trouble?.code === 'withdrawal-not-allowed'
  return isOpen && !isStopping(draft) ? because(trouble) : null
}

/** What a host says of another commit is about another order. */
const isDone = ({ status, commit }: HostReport, wanted: string | null): boolean =>
  status === 'applied' && commit === wanted

const hasFailed = ({ status }: HostReport): boolean => status === 'failed' || status === 'refused'

function fail(draft: Draft, name: string, report: HostReport): void {
  const { status, trouble } = report
  const reason =
    trouble === null ? unexplained(report) : because(trouble, `${trouble.code}: ${trouble.message}`)
  move(draft, name, 'failed', { given: true, ...reason })
  // Whoever signed it, no other host will find otherwise.
  if (status === 'refused' && trouble?.code === 'bad-signature')
    draft.hopeless = { ...trouble, message: `${name}: ${trouble.message}` }
}

/** It says that it failed, and no more. */
const unexplained = ({ status }: HostReport): Reason => because(problem('host-failed', status, SEE))

/** Judged by what it says once its soak is over, never by what it said before. */
function watch(draft: Draft, name: string, host: HostState, { report }: Heard): void {
  const { waves, health, away } = draft.before
  const soakMs = waves[host.wave]?.soakMs ?? 0
  if (hasFailed(report)) {
    fail(draft, name, report)
  } else if (draft.clockMs < host.since + soakMs) {
    return
  } else if (isDone(report, draft.before.commit) && host.look && report.looked) {
    const verdict = judge(report, health)
    if (verdict.kind === 'healthy') move(draft, name, 'passed', NO_REASON)
    if (verdict.kind === 'ill') move(draft, name, 'failed', because(problem('unhealthy', verdict.why, SEE)))
  } else if (isAway(draft, name) && away.then !== 'wait' && isProven(draft)) {
    const left = problem('away', 'applied it, and was away when its soak ended', SEE)
    move(draft, name, whenAway(draft), because(left))
  } else if (!host.look) {
    move(draft, name, 'soaking', { look: true })
  }
}

function givenBack(draft: Draft, name: string, { report }: Heard): void {
  const isOpen = draft.hosts[name]?.stage !== 'stuck'
  if (hasFailed(report)) {
    const { trouble } = report
    move(draft, name, 'stuck', trouble === null ? unexplained(report) : because(trouble))
  } else if (isDone(report, draft.hosts[name]?.before ?? null)) {
    // Why it had to go back is still worth knowing.
    move(draft, name, 'returned')
  } else if (isOpen) {
    move(draft, name, isAway(draft, name) ? 'missing' : 'returning')
  }
}
