import * as Type from 'typebox'
import {
  about,
  commit,
  count,
  type DocumentOf,
  type Frozen,
  mapOf,
  MIB,
  orNull,
  problemOf,
  line,
  table,
  text,
  words,
} from '../table/index.ts'
import { checkName } from './parts.ts'

const problem = Type.Optional(
  about('Why, with its code. Earlier versions do not write it.', orNull(Type.Object(problemOf(text)))),
)

const phase = words(
  'running',
  'paused',
  'stopping',
  'rolling-back',
  'succeeded',
  'partial',
  'aborted',
  'rolled-back',
)

const stage = words(
  'waiting',
  'ordered',
  'soaking',
  'passed',
  'failed',
  'lost',
  'skipped',
  'later',
  'owed',
  'returning',
  'missing',
  'returned',
  'stuck',
  'kept',
)

const wave = Type.Object({
  name: line,
  hosts: Type.Array(line),
  maxUnavailable: count,
  maxFailures: about(
    'Failures allowed in this wave alone, and over all waves.',
    Type.Object({ wave: orNull(count), total: orNull(count) }),
  ),
  soakMs: count,
  approval: about('A person has to say that it may begin.', Type.Boolean()),
})

const host = Type.Object({
  wave: count,
  stage: about(
    '`ordered`: may be at work. `soaking`: has applied the revision, and is watched. `lost`: went silent at work; counts as failed, and may still be at work. `skipped`: away when its turn came. `later`: away, and given the revision once it is back. `owed`: to be given back what it had. `returning`: may be at work, giving it back. `missing`: went silent while it went back. `stuck`: could not be given back what it had. `kept`: keeps what it has, since it had nothing before.',
    stage,
  ),
  turn: about('Counts its orders in this rollout; with the rollout’s number it names one.', count),
  since: about('Since when it is in this stage, by the rollout’s clock.', count),
  look: about('Its soak is over, and it has been asked how it is now.', Type.Boolean()),
  given: about('It took the revision, whatever came of that.', Type.Boolean()),
  before: about('The commit that it had before.', orNull(commit)),
  consented: Type.Optional(
    about(
      'Someone agreed to its withdrawals at the start: `consents/HOST` has to which. Earlier versions do not write it.',
      Type.Boolean(),
    ),
  ),
  why: orNull(text),
  problem,
})

const said = Type.Object({
  what: words('start', 'approve', 'pause', 'resume', 'abort', 'rollback'),
  by: line,
  at: about('By the clock of whoever said it.', line),
})

export const rolloutStateTable = table(
  'qstate.rollout',
  'A rollout as it is stored: replaced by compare-and-set, and all that a controller has to know, so that one that is killed is followed by another without a word between them. Controllers and people’s commands write it, with credentials that hosts do not have.',
  { title: 'rollout', maxBytes: 64 * MIB, hint: 'use the newest qstate everywhere' },
  {
    serial: about('Rollouts of a fleet are numbered; one is current.', count),
    name: line,
    revision: about('As written, for people.', line),
    commit,
    epoch: about('Term of the controller that wrote this last; 0 before the first.', count),
    clockMs: about(
      'The rollout’s own clock: milliseconds in which some controller was in charge. Each adds what has passed by its own clock, so that no two machines’ clocks are ever compared.',
      count,
    ),
    phase: about(
      '`paused`: nothing new is begun. `stopping`: waits for hosts that are at work; then gives back, or ends. `succeeded`: every host that was reached passed. `partial`: ended with failures, no more than were allowed. `aborted`: stopped; hosts have what they have. `rolled-back`: stopped, and every host that had been given the revision has what it had before.',
      phase,
    ),
    why: about('Why it is being stopped, or was.', orNull(text)),
    problem,
    wave: about('The wave under way.', count),
    waves: Type.Array(wave),
    approved: about('Waves that a person has let begin.', Type.Array(count)),
    health: about(
      'What a host must show after the soak, besides that the revision was applied.',
      Type.Object({
        drift: count,
        running: Type.Array(line),
        pendingRestarts: about('Null: any number.', orNull(count)),
        check: orNull(checkName),
      }),
    ),
    away: Type.Object({ afterMs: count, then: words('wait', 'skip', 'later') }),
    deadlineMs: orNull(count),
    rollback: about('Whether hosts get back what they had when it is stopped.', Type.Boolean()),
    hosts: mapOf(host),
    said: about('What people said, the last one last.', Type.Array(said)),
    startedAt: about('For people, by the clock of whoever wrote it.', line),
  },
)

export type RolloutState = DocumentOf<typeof rolloutStateTable>
export type Phase = Frozen<Type.Static<typeof phase>>
export type Stage = Frozen<Type.Static<typeof stage>>
export type HostState = Frozen<Type.Static<typeof host>>
export type Said = Frozen<Type.Static<typeof said>>
