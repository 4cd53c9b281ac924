import * as Type from 'typebox'
import { type Plan, PLAN_VERSION } from '../../reconciler/index.ts'
import {
  about,
  type DocumentOf,
  type Holds,
  mapOf,
  MIB,
  orNull,
  qubeName,
  qubesVersion,
  type Same,
  table,
  text,
  texts,
  valueOrAbsent,
  words,
} from '../table/index.ts'
import { problem, qube, sha256 } from './planned-qube.ts'

const withdrawal = Type.Object({
  qube: qubeName,
  uuid: text,
  path: text,
  after: about('Null: it becomes absent.', valueOrAbsent),
})

export const planTable = table(
  'qstate.plan',
  'What an apply does, and nothing else. `reason`, `effect`, `remarks` and `notes` explain.',
  {
    title: 'saved plan',
    maxBytes: 64 * MIB,
    hint: 'make a new plan with `qstate plan -o FILE`; nothing was touched',
  },
  {
    createdAt: text,
    host: Type.Object({ where: text, release: qubesVersion }),
    spec: Type.Object({
      name: orNull(text),
      formerly: Type.Optional(about('Names that the configuration had before.', texts)),
      digest: about('SHA-256 of the desired state.', Type.String({ pattern: '^(?:[0-9a-f]{64})?$' })),
      commit: about(
        'Of the repository that the spec is in; `+` at its end when a file that was used differs from it. Null where no one commit has them all.',
        orNull(text),
      ),
      origins: Type.Optional(
        about(
          'Which commit each file that was used is of. Tables are known by their digests.',
          Type.Array(
            Type.Object({
              repository: about('Its folder; null: the files are in none.', orNull(Type.String())),
              commit: about('`+` at its end when one of the files differs from it.', orNull(text)),
              files: about('From the root of the repository.', Type.Array(Type.String())),
            }),
          ),
        ),
      ),
    }),
    qubes: Type.Array(qube),
    consent: Type.Optional(
      about(
        'Withdrawals that only a person can agree to.',
        Type.Object({
          qubes: Type.Array(
            Type.Object({
              qube: qubeName,
              leaves: about('Owned settings that the spec no longer names.', texts),
              isWhole: about('No owned setting of it stays named.', Type.Boolean()),
            }),
          ),
          withdrawals: about('Values that are written, by UUID and path.', Type.Array(withdrawal)),
          digest: about(
            'SHA-256 of the withdrawals: what a person agrees to.',
            Type.String({ pattern: '^[0-9a-f]{64}$' }),
          ),
        }),
      ),
    ),
    orphans: Type.Optional(
      about(
        'Files of qstate in dom0 for qubes that do not exist any more.',
        Type.Array(
          Type.Object({
            qube: text,
            path: text,
            removes: Type.Optional(
              about('What it holds, where it is removed: if it still holds that.', texts),
            ),
            movedTo: Type.Optional(
              about(
                'The qube that has the place of the one it was for: it is removed after that is done.',
                qubeName,
              ),
            ),
          }),
        ),
      ),
    ),
    orphansUnknown: Type.Optional(about('Why it is not known whether there are such files.', problem)),
    untold: Type.Optional(
      about(
        'What would explain the plan, and could not be read.',
        Type.Array(Type.Object({ what: text, problem })),
      ),
    ),
    restarts: Type.Optional(
      about(
        'Qubes that an apply restarts, or asks about, once their values are set.',
        Type.Array(
          Type.Object({
            qube: qubeName,
            when: words('now', 'ask'),
            harm: Type.Optional(
              Type.Object({
                refusal: Type.Optional(about('Why it is not shut down, whoever agrees.', problem)),
                needsPerson: Type.Optional(
                  about('What others would lose, or why that is not known.', Type.Array(problem)),
                ),
                unknown: Type.Optional(
                  about('What could not be read of whether it starts again.', Type.Array(problem)),
                ),
              }),
            ),
          }),
        ),
      ),
    ),
    tables: Type.Optional(
      about(
        'Paths of the tables that `file:<sha256>` stands for, by SHA-256.',
        mapOf(text, /^[0-9a-f]{64}$/),
      ),
    ),
    matched: Type.Optional(about('SHA-256 of which selectors match which qubes.', sha256)),
  },
  PLAN_VERSION,
)

/** The core’s own type: that it is what the table says is checked here. */
export type StoredPlan = Holds<Same<DocumentOf<typeof planTable>, Plan>> extends true ? Plan : never
