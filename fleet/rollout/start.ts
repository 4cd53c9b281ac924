import { type RolloutState } from '../../documents/fleet/index.ts'
import { type ChosenWave, type RolloutSpec } from '../../spec/fleet/index.ts'

export interface Start {
  readonly serial: number
  readonly spec: RolloutSpec
  readonly waves: readonly ChosenWave[]
  /** What the revision stands for now: it does not change any more. */
  readonly commit: string
  /** Hosts for which someone has agreed to withdrawals. Without it: none. */
  readonly consented?: ReadonlySet<string>
  readonly by: string
  readonly at: string
}

/** A rollout of which nothing has been done. Which hosts are in which wave is settled here, once. */
export const startRollout = ({ serial, spec, waves, commit, consented, by, at }: Start): RolloutState => ({
  schema: 'qstate.rollout',
  version: 1,
  serial,
  name: spec.name,
  revision: spec.revision,
  commit,
  epoch: 0,
  clockMs: 0,
  phase: 'running',
  why: null,
  wave: 0,
  waves,
  approved: [],
  health: spec.health,
  away: spec.away,
  deadlineMs: spec.deadlineMs,
  rollback: spec.rollback,
  hosts: Object.fromEntries(
    waves.flatMap((wave, index) =>
      wave.hosts.map((name) => [
        name,
        {
          wave: index,
          stage: 'waiting',
          turn: 0,
          since: 0,
          look: false,
          given: false,
          before: null,
          why: null,
          consented: consented?.has(name) ?? false,
        },
      ]),
    ),
  ),
  said: [{ what: 'start', by, at }],
  startedAt: at,
})
