import * as Type from 'typebox'
import { about, count, type DocumentOf, MIB, orNull, table, text, texts, time } from '../table/index.ts'

export const unconfirmedTable = table(
  'qstate.unconfirmed',
  'An apply that is taken back unless a person confirms it in time.',
  {
    title: 'mark of an unconfirmed apply',
    maxBytes: MIB,
    hint: 'see `qstate history`; without that file what was applied stays, and `qstate rollback` undoes it',
  },
  {
    generation: count,
    who: text,
    at: time,
    boot: about('Boot whose clock `deadline` is by: after another one the time is over.', text),
    deadline: about('In seconds since that boot.', Type.Number({ minimum: 0 })),
    seconds: about('Time to confirm it.', count),
    unit: about('Timer of systemd that takes it back.', text),
    commit: about('Commit of the spec, where its files were as committed.', orNull(text)),
    untried: about(
      'Settings that take effect at the next start of their qube, which this apply does not include.',
      Type.Array(Type.Object({ qube: text, paths: texts })),
    ),
    restarted: about('Qubes that the apply has restarted, and that may be once more.', texts),
    live: about('USB devices were attached and detached, and are again.', Type.Boolean()),
  },
)

export type Unconfirmed = DocumentOf<typeof unconfirmedTable>
