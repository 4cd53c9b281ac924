import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Away, type ChosenWave, type Health } from '../../spec/fleet/index.ts'

/**
 * A rollout as it is stored: one plain document, replaced by compare-and-set. It is all that a controller has to know, so that
 * one that is killed is followed by another without a word between them.
 */
export interface RolloutState {
  readonly schema: 'qstate.rollout'
  readonly version: 1
  /** Rollouts of a fleet are numbered; one is current. */
  readonly serial: number
  readonly name: string
  /** As asked for, for people. */
  readonly revision: string
  readonly commit: string
  /** Term of the controller that wrote this last; 0 before the first. */
  readonly epoch: number
  /**
   * The rollout's own clock: milliseconds in which some controller was in charge. Each adds what has passed by its own clock,
   * so that no two machines' clocks are ever compared.
   */
  readonly clockMs: number
  readonly phase: Phase
  /** Why it is being stopped, or was. */
  readonly why: string | null
  /** The same with its code. Earlier versions do not say it. */
  readonly problem?: Problem | null
  /** The wave under way. */
  readonly wave: number
  readonly waves: readonly ChosenWave[]
  /** Waves that a person has let begin. */
  readonly approved: readonly number[]
  readonly health: Health
  readonly away: Away
  readonly deadlineMs: number | null
  /** Whether hosts get back what they had when it is stopped. */
  readonly rollback: boolean
  readonly hosts: Readonly<Record<string, HostState>>
  /** What people said, the last one last. */
  readonly said: readonly Said[]
  /** For people, by the clock of whoever wrote it. */
  readonly startedAt: string
}

export type Phase =
  | 'running'
  /** Nothing new is begun. */
  | 'paused'
  /** Waits for hosts that are at work; then gives back, or ends. */
  | 'stopping'
  | 'rolling-back'
  /** Every host that was reached passed. */
  | 'succeeded'
  /** Ended with failures, no more than were allowed. */
  | 'partial'
  /** Stopped; hosts have what they have. */
  | 'aborted'
  /** Stopped, and every host that had been given the revision has what it had before. */
  | 'rolled-back'

export type Stage =
  | 'waiting'
  /** May be at work. */
  | 'ordered'
  /** Has applied the revision, and is watched. */
  | 'soaking'
  | 'passed'
  | 'failed'
  /** Went silent at work: it counts as failed, and may still be at work. */
  | 'lost'
  /** Away when its turn came. */
  | 'skipped'
  /** Away, and given the revision once it is back. */
  | 'later'
  /** To be given back what it had. */
  | 'owed'
  /** May be at work, giving it back. */
  | 'returning'
  /** Went silent while it went back, and may still be at work. */
  | 'missing'
  | 'returned'
  /** Could not be given back what it had. */
  | 'stuck'
  /** Keeps what it has, since it had nothing before. */
  | 'kept'

export interface HostState {
  readonly wave: number
  readonly stage: Stage
  /** Counts its orders in this rollout; with the rollout's number it names one. */
  readonly turn: number
  /** Since when it is in this stage, by the rollout's clock. */
  readonly since: number
  /** Its soak is over, and it has been asked how it is now. */
  readonly look: boolean
  /** It took the revision, whatever came of that. */
  readonly given: boolean
  /** The commit that it had before. */
  readonly before: string | null
  readonly why: string | null
  /** The same with its code. Earlier versions do not say it. */
  readonly problem?: Problem | null
}

/** Why a host, or a rollout, is as it is: for people, and for programs. */
export type Reason = Required<Pick<HostState, 'why' | 'problem'>>

export const because = (problem: Problem, why = problem.message): Reason => ({ why, problem })

export const NO_REASON: Reason = { why: null, problem: null }

export interface Said {
  readonly what: 'start' | 'approve' | 'pause' | 'resume' | 'abort' | 'rollback'
  readonly by: string
  /** By the clock of whoever said it. */
  readonly at: string
}

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

/** Whether a wave, or the one under way, waits for a person. */
export const needsApproval = (state: RolloutState, wave = state.wave): boolean =>
  state.waves[wave]?.approval === true && !state.approved.includes(wave)

/** Whether a host has the revision of a rollout that is taken back. */
export const isOwed = ({ given, stage }: HostState): boolean => given && HAS_IT.has(stage)

const HAS_IT: ReadonlySet<Stage> = new Set(['soaking', 'passed', 'failed', 'skipped', 'later', 'waiting'])
