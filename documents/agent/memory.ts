import * as Type from 'typebox'
import {
  about,
  commit,
  count,
  type DocumentOf,
  line,
  mapOf,
  MIB,
  orNull,
  problemOf,
  restartPolicy,
  table,
  text,
  time,
  valueOrAbsent,
  words,
} from '../table/index.ts'
import { withdrawals } from './consent.ts'
import { ordered } from './ordered.ts'
import { suspension } from './suspension.ts'

const names = Type.Array(line)
const qubeAndPath = { qube: line, path: orNull(line) }

const attempts = mapOf(Type.Object({ times: count, last: time }))

const problem = problemOf(text)

const drift = Type.Object({
  qube: line,
  path: line,
  wanted: valueOrAbsent,
  found: valueOrAbsent,
  since: time,
  noticed: about('How it was noticed: the event, or the comparison. qubesd does not say who did it.', line),
})

const held = Type.Object({
  ...qubeAndPath,
  why: words(
    'observed',
    'proposed',
    'suspended',
    'frozen',
    'awaiting-confirmation',
    'not-confirmed',
    'outside',
    'reported',
    'backing-off',
    'conflict',
    'failed',
    'removal',
    'withdrawal',
    'running',
  ),
  until: about('When it may be done; null where only a person can say.', orNull(time)),
})

const waiting = Type.Object({
  qube: line,
  paths: names,
  restart: restartPolicy,
  held: Type.Optional(
    about('Why its restart came to nothing when it was last tried; it is tried again.', Type.Object(problem)),
  ),
})

export const memoryTable = table(
  'qstate.agent',
  'What an agent knows, kept over restarts and shown by `qstate status`. Losing it loses the history of what was seen, and the commit that a new one must come after; never anything of what is owned.',
  { title: 'agent’s memory', maxBytes: 64 * MIB, hint: 'see the agent’s log' },
  {
    updatedAt: time,
    source: about('Repository and branch or tag.', line),
    paths: about('Of this host’s spec, from the root of the repository.', names),
    mode: about('What it does about what a commit newly says: observe, propose or apply.', line),
    corrects: Type.Optional(
      about('It sets back drift, of some settings at least. Earlier agents do not write it.', Type.Boolean()),
    ),
    fleet: about(
      'Where the host belongs to a fleet: `paths` are then the fleet’s own files.',
      orNull(Type.Object({ name: line, host: line })),
    ),
    ordered: about('The last order that was followed.', orNull(ordered)),
    wanted: about(
      'The commit that branch or tag stands at, or that was ordered, as last seen.',
      orNull(Type.Object({ commit, seenAt: time })),
    ),
    inForce: about(
      'The last good commit: what the host is compared with.',
      orNull(Type.Object({ commit, since: time, signers: line })),
    ),
    applied: about(
      'The last commit after which nothing of its own was left to do.',
      orNull(Type.Object({ commit, at: time })),
    ),
    took: about(
      'What the commit in force was found to change here when it came, by its digest, and the last generation that was made for it.',
      orNull(Type.Object({ commit, digest: line, generation: orNull(count) })),
    ),
    compared: about(
      'Everything has been compared since the commit in force came, or was ordered.',
      Type.Boolean(),
    ),
    settled: about('Nothing of its own was left to do then.', Type.Boolean()),
    gaveUp: about(
      'The order whose commit could not be had, and is not looked for any more.',
      orNull(Type.Object({ ...problem, id: line })),
    ),
    refused: orNull(Type.Object({ ...problem, commit, since: time })),
    unreachable: orNull(Type.Object({ ...problem, since: time, times: count })),
    fleetAway: about(
      'The servers of the fleet are not reached, or refuse this host: it is kept as it was last ordered.',
      orNull(
        Type.Object({
          ...problem,
          since: time,
          lasts: about('It may not pass by itself, or it has not for minutes.', Type.Boolean()),
        }),
      ),
    ),
    error: orNull(Type.Object({ ...problem, since: time })),
    events: words('connected', 'lost', 'refused'),
    comparedAt: orNull(time),
    drift: about('Settings that are not as qstate left them.', Type.Array(drift)),
    held: about('What a plan would do, and what is not done now.', Type.Array(held)),
    withdrawal: Type.Optional(
      about(
        'Withdrawals of the active commit that wait for a person’s consent. Earlier agents do not write it.',
        orNull(Type.Object({ commit, digest: line, withdrawals })),
      ),
    ),
    spentConsent: Type.Optional(
      about(
        'The order whose consent to withdrawals is spent: they are done. Earlier agents do not write it.',
        orNull(text),
      ),
    ),
    blocked: Type.Array(Type.Object({ ...qubeAndPath, problem: Type.Object(problem) })),
    failing: about(
      'Why the last apply on a qube failed, until one does not.',
      Type.Array(Type.Object({ ...problem, qube: line })),
    ),
    waiting: about('Settings of a running qube that take effect after its next start.', Type.Array(waiting)),
    proposed: orNull(Type.Object({ file: line, changes: line, at: time })),
    suspended: orNull(suspension),
    corrections: about('By `qube/path`.', attempts),
    failures: about('By qube.', attempts),
    restarts: about('By qube.', attempts),
    restarting: about(
      'Qubes that were shut down to be started again, and since when: they have to be, whatever happens.',
      mapOf(time),
    ),
    put: about(
      'Settings applied for the commit in force, by `qube/path`: another value there is somebody else’s doing.',
      names,
    ),
  },
)

export type Memory = DocumentOf<typeof memoryTable>
