import * as Type from 'typebox'
import { about, commit, count, embedded, type Frozen, MIB, orNull, unmarkedTable } from '../table/index.ts'
import { orderTable } from './order.ts'

const properties = {
  epoch: about('The newest term that it has seen: orders of older ones are refused.', count),
  order: orNull(embedded(orderTable)),
  past: about(
    'Commits that were in force here, the last one last: where it may go back to.',
    Type.Array(commit),
  ),
}

export const memberTable = unmarkedTable(
  'qstate.member',
  'What a host remembers of its fleet, on its own disk.',
  { title: 'memory of a fleet’s member', maxBytes: MIB, hint: 'orders stand in the fleet’s store' },
  properties,
)

export type MemberMemory = Frozen<Type.Static<Type.TObject<typeof properties>>>
