import * as Type from 'typebox'
import { about, type DocumentOf, type Frozen, KIB, orNull, time, unmarkedTable } from '../table/index.ts'

const properties = {
  until: about('Null: until it is resumed.', orNull(time)),
  by: Type.String(),
  since: Type.String(),
  why: Type.String(),
}

export const suspension = Type.Object(properties)

export const suspensionTable = unmarkedTable(
  'qstate.suspension',
  'A person wants the agent to write nothing.',
  {
    title: 'suspension',
    maxBytes: 64 * KIB,
    hint: '`qstate agent resume` takes it away',
  },
  properties,
)

export type Suspension = Frozen<Type.Static<typeof suspension>>
export type StoredSuspension = DocumentOf<typeof suspensionTable>
