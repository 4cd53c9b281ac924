import * as Type from 'typebox'
import { type Receipt } from '../../reconciler/index.ts'
import {
  about,
  type DocumentOf,
  type Holds,
  mapOf,
  MIB,
  orNull,
  qubeName,
  type Same,
  table,
  valueOrAbsent,
} from '../table/index.ts'

const record = orNull(Type.String())

export const receiptTable = table(
  'qstate.receipt',
  'What this installation wrote last on a qube: a record there is proven if it is, byte for byte, a text that is accepted here.',
  {
    title: 'receipt of an ownership record',
    maxBytes: MIB,
    hint: 'nothing is written on the word of that record until `qstate adopt SPEC` has taken the qube over',
  },
  {
    accepted: about(
      'Texts of the record that this installation has put there, or may have; null: none.',
      Type.Array(record),
    ),
    open: about('A run has not come to its end there.', Type.Boolean()),
    was: about(
      'By path, the values of ours that an unfinished run replaces.',
      mapOf(Type.Array(valueOrAbsent)),
    ),
    base: about('The record as the last finished run left it; of an unfinished run only.', record),
    qube: Type.Optional(about('Its name then.', qubeName)),
    matched: Type.Optional(
      about(
        'SHA-256 of the `match` of each `select` entry that gave settings to the qube.',
        Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' })),
      ),
    ),
  },
)

/** The core’s own type: that it is what the table says is checked here. */
export type StoredReceipt =
  Holds<Same<Omit<DocumentOf<typeof receiptTable>, 'schema' | 'version'>, Receipt>> extends true
    ? DocumentOf<typeof receiptTable>
    : never
