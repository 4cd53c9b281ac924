import * as Type from 'typebox'
import { EFFECTS, REASONS } from '../../reconciler/index.ts'
import { CREATABLE, LABEL } from '../../spec/vocabulary/index.ts'
import {
  about,
  count,
  orNull,
  problemOf,
  qubeName,
  rangeOf,
  restartPolicy,
  text,
  texts,
  value,
  valueOrAbsent,
  words,
} from '../table/index.ts'

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

export const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const problem = Type.Object(problemOf(text))

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
    'device',
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

/** What a plan does to one qube. */
export const qube = Type.Object({
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
