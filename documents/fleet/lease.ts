import { about, count, type DocumentOf, KIB, table } from '../table/index.ts'
import { hostText } from './parts.ts'

export const leaseTable = table(
  'qstate.leader',
  'Which controller is in charge.',
  { title: 'lease', maxBytes: 64 * KIB, hint: 'a controller that takes over writes it again' },
  {
    term: about('Rises with each that takes over: the epoch of its orders.', count),
    who: hostText,
    beat: about('Changes with each renewal, so that the others see that it lives.', count),
  },
)

export type Lease = DocumentOf<typeof leaseTable>
