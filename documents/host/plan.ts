import * as Type from 'typebox'
import { CREATABLE, LABEL } from '../../spec/vocabulary/index.ts'
import {
  about,
  count,
  type DocumentOf,
  type Holds,
  mapOf,
  MIB,
  orNull,
  problemOf,
  qubeName,
  qubesVersion,
  rangeOf,
  restartPolicy,
  type Same,
  table,
  text,
  texts,
  value,
  valueOrAbsent,
  words,
} from '../table/index.ts'
import { EFFECTS, type Plan, PLAN_VERSION, REASONS } from '../../reconciler/index.ts'

const withdrawal = Type.Object({
  qube: qubeName,
  uuid: text,
  path: text,
  after: about('Null: it becomes absent.', valueOrAbsent),
})

const calls = Type.Array(
  Type.Object({
    dest: about('The qube that the call is about.', text),
    method: text,
    arg: text,
    payload: Type.String(),
  }),
)

/** RFC 6902, as far as plans need it. */
const operations = Type.Array(
  Type.Union([
    Type.Object({ op: words('test', 'add', 'replace'), path: text, value: valueOrAbsent }),
    Type.Object({ op: words('remove'), path: text }),
  ]),
)

const change = Type.Object({
  path: about('The setting below its qube, such as `audio/model`.', text),
  before: about('Null: it is absent.', valueOrAbsent),
  after: about('Null: it becomes absent.', valueOrAbsent),
  patch: about('JSON Patch, which begins with a test for the old value.', operations),
  inverse: about('The same in the other direction: the rollback.', operations),
  reason: about(
    '`withdrawn`: the spec no longer names it, and it goes back to what was there before qstate.',
    words(...REASONS),
  ),
  effect: about(
    'When it takes effect. `set-back`: back to what it was before a change that has not taken effect yet.',
    words(...EFFECTS),
  ),
  calls: about('For the reader: an apply makes them anew from the values.', calls),
  remarks: texts,
  diff: Type.Optional(
    about('A unified difference of a text behind the setting that someone has edited.', texts),
  ),
  inherited: Type.Optional(
    about('What takes effect while the setting is absent, where that is known.', value),
  ),
  at: Type.Optional(about('The line of the spec that asks for it.', rangeOf(text))),
})

const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

const problem = Type.Object(problemOf(text))

const blocked = Type.Object({
  path: about('A setting, or null: the whole qube.', orNull(text)),
  problem,
})

const note = Type.Object({
  kind: words(
    'adopted',
    'guest-owned',
    'released',
    'clone',
    'created',
    'as-before',
    'followed',
    'once',
    'heirs',
    'moved',
    'record-lost',
    'taken-over',
    'unproven',
    'owned-then',
    'untold',
  ),
  path: orNull(text),
  text,
})

const qube = Type.Object({
  qube: qubeName,
  uuid: about('Null: not known, or there is no such qube yet.', orNull(text)),
  klass: text,
  running: Type.Boolean(),
  state: Type.Optional(
    about('`Paused`, `Suspended`, `Crashed` …: where it is neither running nor halted.', text),
  ),
  create: Type.Optional(
    about(
      'The qube does not exist, and is created first.',
      Type.Object({
        klass: words(...CREATABLE),
        template: orNull(qubeName),
        label: Type.String({ pattern: LABEL.source }),
        calls,
      }),
    ),
  ),
  volumes: Type.Optional(
    about(
      'Volumes to grow.',
      Type.Array(
        Type.Object({
          name: words('root', 'private'),
          size: about('In bytes.', count),
          calls,
        }),
      ),
    ),
  ),
  differs: Type.Optional(
    about(
      'In what the qube is another than `ensure` says: told, and left. Sizes are in bytes.',
      Type.Array(
        Type.Object({
          what: words('class', 'label', 'template', 'root', 'private'),
          is: Type.Union([text, count]),
          ensure: Type.Union([text, count]),
        }),
      ),
    ),
  ),
  leaves: Type.Optional(
    about('Owned settings that the spec no longer names, whether or not a value changes.', texts),
  ),
  remove: Type.Optional(
    about(
      'The qube is removed, with all its data.',
      Type.Object({
        calls,
        at: Type.Optional(about('The line of the spec that asks for it.', rangeOf(text))),
      }),
    ),
  ),
  made: Type.Optional(
    about('It was created by qstate: its record is kept even where it owns nothing.', Type.Literal(true)),
  ),
  takesOver: Type.Optional(
    about(
      'The record that is there need not be proven: a person takes it over, or gives it up.',
      Type.Literal(true),
    ),
  ),
  movedFrom: Type.Optional(
    about(
      'The record that is there is that of a qube whose place this one has taken: its entries pass over.',
      Type.Object({ qube: about('Null: the spec no longer says.', orNull(qubeName)), uuid: text }),
    ),
  ),
  renames: Type.Optional(
    about(
      'Qubes that the record that is there names as they were called before.',
      Type.Array(Type.Object({ from: qubeName, to: qubeName })),
    ),
  ),
  closes: Type.Optional(
    about('Nothing is written here, and the receipt does not say it yet.', Type.Literal(true)),
  ),
  changes: about('In the order in which they are made.', Type.Array(change)),
  record: about(
    'The ownership record, before and after. Null: none.',
    Type.Object({ before: orNull(Type.String()), after: orNull(Type.String()) }),
  ),
  blocked: about('What cannot be planned. Nothing of it is written.', Type.Array(blocked)),
  held: Type.Optional(
    about(
      'Settings that only a halted qube takes, and that wait until it is.',
      Type.Array(
        Type.Object({
          path: orNull(text),
          problem,
          after: Type.Optional(about('What it will be. Null: absent.', valueOrAbsent)),
        }),
      ),
    ),
  ),
  unmatched: Type.Optional(
    about(
      'Drift: what selectors gave until the host changed. It stays as it is, and owned.',
      Type.Array(
        Type.Object({
          path: text,
          value: valueOrAbsent,
          original: about('What it would go back to.', valueOrAbsent),
          why: text,
        }),
      ),
    ),
  ),
  reported: Type.Optional(
    about(
      'Drift that the spec has only reported. It stays as it is, and owned.',
      Type.Array(Type.Object({ path: text, value: valueOrAbsent, wanted: valueOrAbsent })),
    ),
  ),
  matched: Type.Optional(
    about(
      'Of what is written here: SHA-256 of the `match` of each selector that gives settings to the qube.',
      Type.Array(sha256),
    ),
  ),
  waiting: about('Settings changed earlier that wait for the next start of the qube.', texts),
  restart: Type.Optional(
    about('When the spec lets the qube be restarted. Without it: never.', restartPolicy),
  ),
  hindered: Type.Optional(
    about('What keeps the qube from its next start, as far as that was asked.', Type.Array(problem)),
  ),
  notes: about('What needs no write.', Type.Array(note)),
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
