import { about, type DocumentOf, KIB, text, unmarkedTable, words } from '../table/index.ts'

export const stepTable = unmarkedTable(
  'qstate.step',
  'A line of a generation’s log of writes: one before each write, and one after.',
  { title: 'step of an apply', maxBytes: 64 * KIB, hint: 'nothing is decided by it' },
  { qube: text, what: about('The setting that the write is for.', text), phase: words('before', 'after') },
)

export type Step = DocumentOf<typeof stepTable>
