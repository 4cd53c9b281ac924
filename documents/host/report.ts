import * as Type from 'typebox'
import { type Report } from '../../reconciler/index.ts'
import {
  about,
  count,
  type DocumentOf,
  type Holds,
  MIB,
  orNull,
  problemOf,
  type Same,
  text,
  texts,
  unmarkedTable,
  valueOrAbsent,
  words,
} from '../table/index.ts'

const failure = orNull(Type.Object(problemOf(Type.String())))

const qube = Type.Object({
  qube: text,
  status: words('applied', 'unchanged', 'blocked', 'stale', 'skipped', 'failed'),
  outcomes: Type.Array(
    Type.Object({
      path: text,
      status: words('applied', 'failed', 'skipped', 'unverified'),
      error: failure,
    }),
  ),
  stale: about(
    'What changed since the plan.',
    Type.Array(Type.Object({ path: text, planned: valueOrAbsent, found: valueOrAbsent })),
  ),
  error: failure,
  writes: about('Writes that were answered well.', count),
  unanswered: about('Writes that got no whole answer: each may have been done.', count),
  touched: about('A write has been sent, whatever became of it.', Type.Boolean()),
  waiting: about('Settings that take effect only after the next start of the qube.', texts),
})

export const reportTable = unmarkedTable(
  'qstate.apply-report',
  'What became of an apply. Kept with its plan.',
  { title: 'report of an apply', maxBytes: 64 * MIB, hint: 'see `qstate history`' },
  {
    qubes: Type.Array(qube),
    interrupted: about('Why the run ended early.', orNull(Type.String())),
  },
)

/** Why a run was interrupted is kept in words. */
type Stored = Pick<Report, 'qubes'> & { readonly interrupted: string | null }

/** Kept beside its plan; the core’s own type but for that. */
export type StoredReport =
  Holds<Same<Omit<DocumentOf<typeof reportTable>, 'schema' | 'version'>, Stored>> extends true
    ? Stored
    : never
