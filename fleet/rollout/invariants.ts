import { type RolloutState } from '../../documents/fleet/index.ts'
import { atWork, count, hasFailed, isEnded, isSettled } from './state.ts'

/**
 * What must hold of every state, and of every state after another. The controller stores none for which it does not, and the
 * simulation looks after every step. Empty: all holds. Written without the code of the steps, so that a mistake there is not made
 * here again.
 */
export function violations(state: RolloutState, before: RolloutState | null): readonly string[] {
  const found = [
    ...tooManyAtWork(state),
    ...wavesOutOfTurn(state),
    ...falseSuccess(state),
    ...(before === null ? [] : brokenHistory(state, before)),
  ]
  return found
}

function tooManyAtWork(state: RolloutState): readonly string[] {
  // What has ended, or is being stopped, begins nothing; a host that went silent may be at work for ever.
  if (isEnded(state)) return count(state, ['ordered', 'returning']) === 0 ? [] : ['ended with hosts at work']
  const limit = state.waves[state.wave]?.maxUnavailable ?? 0
  const working = atWork(state)
  return working <= limit ? [] : [`${working} hosts at work, and ${limit} may be`]
}

/** No wave is begun before those before it have passed, and before a person said so where one has to. */
function wavesOutOfTurn(state: RolloutState): readonly string[] {
  const found: string[] = []
  for (const [name, { wave, turn, stage }] of Object.entries(state.hosts)) {
    if (turn > 0 && wave > state.wave) found.push(`${name} of wave ${wave} was ordered in wave ${state.wave}`)
    const isOver = state.phase === 'running' && wave < state.wave
    // One that was set aside may be at work for an earlier wave; no other may.
    if (isOver && (stage === 'waiting' || stage === 'owed' || stage === 'returning'))
      found.push(`${name} is ${stage} in wave ${wave}, which was passed`)
    if (turn > 0 && state.waves[wave]?.approval === true && !state.approved.includes(wave))
      found.push(`${name} was ordered in wave ${wave}, which nobody approved`)
  }
  for (let wave = 0; wave < state.wave && state.phase === 'running'; wave += 1) {
    const limit = state.waves[wave]?.maxFailures.wave ?? null
    const failed = Object.values(state.hosts).filter((host) => host.wave === wave && hasFailed(host.stage))
    if (limit !== null && failed.length > limit)
      found.push(`wave ${wave} was passed with ${failed.length} failures`)
  }
  const total = state.waves[state.wave]?.maxFailures.total ?? null
  const failed = count(state, ['failed', 'lost'])
  if (state.phase === 'running' && total !== null && failed > total)
    found.push(`running with ${failed} failures, and ${total} may be`)
  return found
}

function falseSuccess(state: RolloutState): readonly string[] {
  if (state.phase === 'rolled-back') {
    const kept = Object.entries(state.hosts).filter(
      ([, host]) => host.given && host.before !== state.commit && host.stage !== 'returned',
    )
    return kept.map(([name]) => `rolled back, and ${name} has the revision`)
  }
  if (state.phase !== 'succeeded' && state.phase !== 'partial') return []
  const allowed = state.phase === 'succeeded' ? ['passed', 'skipped', 'later'] : null
  return Object.entries(state.hosts).flatMap(([name, { stage }]) => {
    if (!isSettled(stage)) return [`${state.phase}, and ${name} is ${stage}`]
    return allowed === null || allowed.includes(stage) ? [] : [`succeeded, and ${name} is ${stage}`]
  })
}

/** What never changes, and what only grows. */
function brokenHistory(state: RolloutState, before: RolloutState): readonly string[] {
  const found: string[] = []
  if (state.serial !== before.serial || state.commit !== before.commit)
    found.push('another rollout took its place')
  if (state.waves !== before.waves && JSON.stringify(state.waves) !== JSON.stringify(before.waves))
    found.push('the waves changed')
  if (state.epoch < before.epoch) found.push(`epoch ${state.epoch} after ${before.epoch}`)
  if (state.clockMs < before.clockMs) found.push('its clock was set back')
  if (state.wave < before.wave) found.push('went back a wave')
  for (const [name, host] of Object.entries(state.hosts)) {
    const was = before.hosts[name]
    if (was === undefined) found.push(`${name} is new`)
    else if (host.turn < was.turn || (was.given && !host.given)) found.push(`${name} forgot an order`)
    else if (was.given && host.before !== was.before) found.push(`${name} forgot what it had`)
  }
  return found
}
