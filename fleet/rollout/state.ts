import { type HostState, type Phase, type RolloutState, type Stage } from '../../documents/fleet/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'

/** Why a host, or a rollout, is as it is: for people, and for programs. */
export type Reason = Required<Pick<HostState, 'why' | 'problem'>>

export const because = (problem: Problem, why = problem.message): Reason => ({ why, problem })

export const NO_REASON: Reason = { why: null, problem: null }

const ENDED: ReadonlySet<Phase> = new Set(['succeeded', 'partial', 'aborted', 'rolled-back'])

export const isEnded = ({ phase }: RolloutState): boolean => ENDED.has(phase)

/** Nothing more comes of it but hosts that are away: another rollout may take its place. */
export const mayBeReplaced = (state: RolloutState): boolean =>
  isEnded(state) ||
  isTrailing(state) ||
  (state.phase === 'rolling-back' && count(state, ['ordered', 'returning']) === 0)

/** All waves have passed, and it only waits for hosts that are to have the revision once they are back. */
export const isTrailing = (state: RolloutState): boolean =>
  state.phase === 'running' &&
  state.wave === state.waves.length - 1 &&
  Object.values(state.hosts).every(({ stage }) => isSettled(stage))

/** A wave no longer waits for a host in one of these. */
export const isSettled = (stage: Stage): boolean =>
  stage === 'passed' || stage === 'failed' || stage === 'lost' || stage === 'skipped' || stage === 'later'

export const hasFailed = (stage: Stage): boolean => stage === 'failed' || stage === 'lost'

export const count = ({ hosts }: Pick<RolloutState, 'hosts'>, stages: readonly Stage[]): number =>
  Object.values(hosts).reduce((sum, { stage }) => sum + (stages.includes(stage) ? 1 : 0), 0)

/** Hosts that may be at work. One that went silent at work holds its place until it is heard of: nobody knows what it does. */
export const atWork = (state: Pick<RolloutState, 'hosts'>): number =>
  count(state, ['ordered', 'lost', 'returning', 'missing'])

/** Whether a host has claimed its order, and someone has to agree to what it would withdraw. */
export const awaitsConsent = ({ stage, why }: HostState): boolean => stage === 'ordered' && why !== null

/** Whether a wave, or the one under way, waits for a person. */
export const needsApproval = (state: RolloutState, wave = state.wave): boolean =>
  state.waves[wave]?.approval === true && !state.approved.includes(wave)

/** Whether a host has the revision of a rollout that is taken back. */
export const isOwed = ({ given, stage }: HostState): boolean => given && HAS_IT.has(stage)

const HAS_IT: ReadonlySet<Stage> = new Set(['soaking', 'passed', 'failed', 'skipped', 'later', 'waiting'])
