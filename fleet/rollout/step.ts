import { type RolloutState } from '../../documents/fleet/index.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { absorb } from './apply-report.ts'
import { absence, type Draft, isFree, isProven, move, type Observation } from './draft.ts'
import {
  atWork,
  because,
  count,
  hasFailed,
  isEnded,
  isOwed,
  isSettled,
  needsApproval,
  NO_REASON,
} from './state.ts'

export interface Stepped {
  /** The same object where nothing has changed but the time. */
  readonly state: RolloutState
  /** Hosts whose order is to be taken back, if they have not claimed it. Until that is seen, they count as at work. */
  readonly recalls: readonly string[]
}

/**
 * One step of a rollout: what was seen, and how much time has passed, come to a new state. The orders are what `orderOf` says of
 * it, once it is stored. Pure: it can be taken again by anybody, from what is stored.
 */
export function step(before: RolloutState, seen: Observation, elapsedMs: number): Stepped {
  if (isEnded(before)) return { state: before, recalls: [] }
  const draft: Draft = {
    before,
    hosts: { ...before.hosts },
    seen,
    clockMs: before.clockMs + Math.max(0, elapsedMs),
    recalls: [],
    hopeless: null,
  }
  for (const name of Object.keys(draft.hosts)) absorb(draft, name)
  let state: RolloutState = { ...before, hosts: draft.hosts, clockMs: draft.clockMs }
  const stop = reasonToStop(state, draft.hopeless)
  if (stop !== null) state = { ...state, phase: 'stopping', ...because(stop) }
  if (state.phase === 'running') state = advance(state, draft)
  if (state.phase === 'stopping') state = stopped(state, draft)
  if (state.phase === 'rolling-back') state = giveBack(state, draft)
  return { state, recalls: draft.recalls }
}

function reasonToStop(state: RolloutState, hopeless: Problem | null): Problem | null {
  if (state.phase !== 'running' && state.phase !== 'paused') return null
  if (hopeless !== null) return hopeless
  const failures = overBudget(state)
  if (failures !== null) return failures
  const isLate = state.deadlineMs !== null && state.clockMs > state.deadlineMs
  return isLate && !onlyLaterLeft(state)
    ? problem('past-deadline', 'it had not ended by its deadline', SEE_ROLLOUT)
    : null
}

/** Why there are more failures than allowed: in some wave, or in all that have been begun. */
function overBudget(state: RolloutState): Problem | null {
  const all = Object.values(state.hosts)
  const failed = count(state, ['failed', 'lost'])
  if (failed === 0) return null
  const total = state.waves[state.wave]?.maxFailures.total ?? null
  if (total !== null && failed > total) return tooMany(`${hosts(failed)} failed, and ${total} may`)
  for (const [index, { name, maxFailures }] of state.waves.slice(0, state.wave + 1).entries()) {
    const here = all.filter(({ wave, stage }) => wave === index && hasFailed(stage)).length
    if (maxFailures.wave !== null && here > maxFailures.wave)
      return tooMany(`${hosts(here)} failed in ${name}, and ${maxFailures.wave} may`)
  }
  return null
}

const tooMany = (message: string): Problem => problem('too-many-failures', message, SEE_ROLLOUT)

const SEE_ROLLOUT = '`qstate rollout status` says what became of each host'

const hosts = (many: number): string => (many === 1 ? '1 host' : `${many} hosts`)

/** Goes on through waves for as long as they have passed, and gives the revision to as many hosts as there is room for. */
function advance(state: RolloutState, draft: Draft): RolloutState {
  let wave = state.wave
  for (;;) {
    const limit = state.waves[wave]?.maxUnavailable ?? 1
    const open = !needsApproval(state, wave)
    if (open) setAside(draft, wave)
    order(draft, open ? wave : null, wave, limit)
    if (!open) break
    const verdict = verdictOn(draft, wave)
    if (verdict === 'failed')
      return { ...state, phase: 'stopping', ...because(NONE_PASSED), wave, hosts: draft.hosts }
    if (verdict === 'open') break
    const next = state.waves[wave + 1]
    if (next === undefined) return ended({ ...state, wave, hosts: draft.hosts })
    // A host that comes back late may still be at work for an earlier wave, which allowed more.
    if (atWork(draft) > next.maxUnavailable) break
    wave += 1
    // It may allow fewer failures than there have been.
    const failures = overBudget({ ...state, wave, hosts: draft.hosts })
    if (failures !== null)
      return { ...state, phase: 'stopping', ...because(failures), wave, hosts: draft.hosts }
  }
  return { ...state, wave, hosts: draft.hosts }
}

const NONE_PASSED = problem('none-passed', 'nobody passed', SEE_ROLLOUT)

/** Hosts of the wave that are away, where it does not wait for them. */
function setAside(draft: Draft, wave: number): void {
  const { then } = draft.before.away
  if (then === 'wait' || !isProven(draft)) return
  for (const [name, host] of Object.entries(draft.hosts)) {
    const away = absence(draft, name)
    if (host.wave === wave && host.stage === 'waiting' && away !== null)
      move(draft, name, then === 'skip' ? 'skipped' : 'later', because(away))
  }
}

/** Hosts of the wave that has begun, if any has, and those that have come back since theirs. */
function order(draft: Draft, begun: number | null, wave: number, limit: number): void {
  let room = limit - atWork(draft)
  for (const [name, host] of Object.entries(draft.hosts)) {
    if (room <= 0) return
    const isLate = host.wave <= wave && host.stage === 'later'
    const isNext = isLate || (host.wave === begun && host.stage === 'waiting')
    if (!isNext || !isFree(draft, name)) continue
    const before = host.given ? host.before : (draft.seen.get(name)?.report.commit ?? null)
    move(draft, name, 'ordered', { turn: host.turn + 1, before, ...NO_REASON })
    room -= 1
  }
}

/**
 * Whether the next wave may begin. A wave whose hosts are all away has shown nothing, where none before it has: the canary has to
 * be somebody.
 */
function verdictOn(draft: Draft, wave: number): 'passed' | 'open' | 'failed' {
  const begun = Object.values(draft.hosts).filter((host) => host.wave <= wave)
  if (begun.some((host) => host.wave === wave && !isSettled(host.stage))) return 'open'
  if (begun.length === 0 || isProven(draft)) return 'passed'
  return begun.every(({ stage }) => stage === 'failed') ? 'failed' : 'open'
}

/** All that could be done was done. */
const onlyLaterLeft = (state: RolloutState): boolean =>
  state.wave === state.waves.length - 1 &&
  isProven(state) &&
  Object.values(state.hosts).every(({ stage }) => isSettled(stage))

function ended(state: RolloutState): RolloutState {
  const isLate = state.deadlineMs !== null && state.clockMs > state.deadlineMs
  // Hosts of earlier waves that came back late are waited for, too.
  if (Object.values(state.hosts).some(({ stage }) => !isSettled(stage))) return state
  if (count(state, ['later']) > 0 && !isLate) return state
  // One that went silent at work may still be at work, and may still come to say that all is well.
  if (count(state, ['lost']) > 0 && !isLate) return state
  return { ...state, phase: count(state, ['failed', 'lost']) === 0 ? 'succeeded' : 'partial' }
}

/** Once no order is out that a host may still begin with, it is known who has the revision. */
function stopped(state: RolloutState, draft: Draft): RolloutState {
  if (count(draft, ['ordered']) > 0) return { ...state, hosts: draft.hosts }
  return { ...state, phase: state.rollback ? 'rolling-back' : 'aborted', hosts: draft.hosts }
}

/** Gives back what hosts had, to no more at once than the revision was given to. */
function giveBack(state: RolloutState, draft: Draft): RolloutState {
  oweAll(state, draft)
  let room = (state.waves[state.wave]?.maxUnavailable ?? 1) - atWork(draft)
  for (const [name, { stage, turn }] of Object.entries(draft.hosts)) {
    if (room <= 0) break
    if (stage !== 'owed' || !isFree(draft, name)) continue
    move(draft, name, 'returning', { turn: turn + 1 })
    room -= 1
  }
  const isOver = count(draft, ['owed']) === 0 && atWork(draft) === 0
  const phase = !isOver ? state.phase : count(draft, ['stuck', 'kept']) > 0 ? 'aborted' : 'rolled-back'
  return { ...state, phase, hosts: draft.hosts }
}

/** Every host that took the revision is owed what it had. One that may still be at work is, once it has been heard of. */
function oweAll(state: RolloutState, draft: Draft): void {
  for (const [name, host] of Object.entries(draft.hosts)) {
    const { before, why } = host
    if (before === state.commit || !isOwed(host)) continue
    if (before === null) move(draft, name, 'kept', because(nothingBefore(why)))
    else move(draft, name, 'owed')
  }
}

const nothingBefore = (why: string | null): Problem => {
  const message = [why, 'it had nothing before to go back to'].filter(Boolean).join('; ')
  return problem('nothing-before', message, 'bring it on with a new commit')
}
