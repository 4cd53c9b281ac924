import * as Type from 'typebox'
import { about, type DocumentOf, KIB, unmarkedTable } from '../table/index.ts'

export const acceptedTable = unmarkedTable(
  'qstate.accepted',
  'A commit to take although it does not come after the one in force.',
  { title: 'accepted commit', maxBytes: 64 * KIB, hint: 'accept it again: `qstate agent accept COMMIT`' },
  { commit: about('At least its first seven digits.', Type.String({ pattern: '^[0-9a-f]{7,64}$' })) },
)

export type Accepted = DocumentOf<typeof acceptedTable>
