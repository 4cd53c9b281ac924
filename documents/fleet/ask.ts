import * as Type from 'typebox'
import { commit, type DocumentOf, KIB, table } from '../table/index.ts'

export const askTable = table(
  'qstate.ask',
  'Asks a host what a commit would change there. It touches nothing.',
  { title: 'question', maxBytes: 64 * KIB, hint: 'ask again: `qstate rollout plan`' },
  { id: Type.String(), commit },
)

export type Ask = DocumentOf<typeof askTable>
