import * as Type from 'typebox'
import { about, commit, type DocumentOf, type Frozen, KIB, unmarkedTable } from '../table/index.ts'

const properties = {
  id: about('Names the order: the same commit may be ordered again.', Type.String()),
  commit,
  back: about(
    'The host has had this commit, and returns to it: it need not come after the one in force.',
    Type.Boolean(),
  ),
}

export const ordered = Type.Object(properties)

export const orderedTable = unmarkedTable(
  'qstate.ordered',
  'The commit that this host is to have, as its fleet has ordered.',
  {
    title: 'order of the fleet',
    maxBytes: 64 * KIB,
    hint: 'the order that stands in the fleet is taken again',
  },
  properties,
)

export type Ordered = Frozen<Type.Static<typeof ordered>>
export type StoredOrdered = DocumentOf<typeof orderedTable>
