import * as Type from 'typebox'
import { about, commit, type DocumentOf, MIB, text, unmarkedTable, valueOrAbsent } from '../table/index.ts'

export const withdrawals = Type.Array(
  Type.Object({ qube: text, uuid: text, path: text, after: valueOrAbsent }),
)

export const consentTable = unmarkedTable(
  'qstate.consent',
  'Withdrawals that a person has agreed to, for a commit and those that follow it. Spent once they are done.',
  {
    title: 'consent to withdrawals',
    maxBytes: 16 * MIB,
    hint: 'agree again: `qstate status` prints the command',
  },
  {
    commit,
    withdrawals: about('Values that may be written, by UUID and path.', withdrawals),
    by: text,
    at: text,
  },
)

export type GivenConsent = DocumentOf<typeof consentTable>
