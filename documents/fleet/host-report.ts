import * as Type from 'typebox'
import {
  about,
  commit,
  count,
  type DocumentOf,
  type Frozen,
  KIB,
  orNull,
  problemOf,
  table,
  words,
} from '../table/index.ts'
import { hostText } from './parts.ts'

const trouble = Type.Object(problemOf(hostText))

const condition = {
  commit: about('The commit in force.', orNull(commit)),
  digest: about(
    'What the plan for it changes, whichever host it is for: the same change has the same digest.',
    orNull(hostText),
  ),
  generation: orNull(count),
  drift: about('Settings that are not as applied; null: the host could not be looked at.', orNull(count)),
  restarts: about('Qubes that wait for a restart.', count),
  restartsHeld: Type.Optional(
    about(
      'Why restarts of these came to nothing, each with its qube. Earlier agents do not say it.',
      Type.Array(hostText, { maxItems: 1000 }),
    ),
  ),
  notRunning: about(
    'Of the qubes that were asked for, those that exist and do not run.',
    Type.Array(hostText, { maxItems: 1000 }),
  ),
  check: about(
    'What the check said; null: not asked for, or not run yet.',
    orNull(words('passed', 'failed')),
  ),
  trouble: orNull(trouble),
  held: about(
    'Why it begins nothing now; null: it would. An order that it has claimed waits meanwhile.',
    orNull(hostText),
  ),
  hold: Type.Optional(about('The same with its code. Earlier agents do not write it.', orNull(trouble))),
}

const unseenSince = about(
  'By the host’s clock, for people: it could not be looked at since, and its drift is of the last look. Earlier agents do not say it.',
  orNull(hostText),
)

export const hostReportTable = table(
  'qstate.report',
  'What a host says of itself: one document, replaced whole. A host claims an order here before it begins, and a controller takes back an order here that was not claimed: both by compare-and-set, so that one of the two happens.',
  {
    title: 'report of a host',
    maxBytes: 128 * KIB,
    hint: 'see to that host: its agent writes the report again with the next one',
  },
  {
    host: hostText,
    beat: about('Rises with every report, so that a host is heard that has nothing new to say.', count),
    at: about('By the host’s clock, for people: nothing is decided by it.', hostText),
    order: about('The order that this is about; null before the first.', orNull(hostText)),
    looked: about('It was written after that order was seen to ask how the host is.', Type.Boolean()),
    status: words('idle', 'working', 'applied', 'failed', 'refused'),
    ...condition,
    unseenSince: Type.Optional(unseenSince),
    recalled: about('An order that the host can no longer claim.', orNull(hostText)),
  },
)

export type StoredHostReport = DocumentOf<typeof hostReportTable>

interface Seen {
  readonly unseenSince: string | null
}

/** How a host is. */
export type Condition = Frozen<Type.Static<Type.TObject<typeof condition>>> & Seen

/** With what earlier agents did not say. */
export type HostReport = StoredHostReport & Seen
