import * as Type from 'typebox'
import {
  about,
  commit,
  type DocumentOf,
  type Frozen,
  MIB,
  orNull,
  text,
  unmarkedTable,
} from '../table/index.ts'
import { withdrawals } from './consent.ts'

const properties = {
  id: about('Names the order: the same commit may be ordered again.', Type.String()),
  commit,
  back: about(
    'The host has had this commit, and returns to it: it need not come after the one in force.',
    Type.Boolean(),
  ),
}

export const ordered = Type.Object(properties)

const withConsent = {
  ...properties,
  consent: Type.Optional(
    about(
      'Consent to withdrawals that came with the order. Earlier agents do not write it.',
      orNull(
        Type.Object({
          isEnough: about(
            'This host takes it from the key that signed it; else a person on this host has to agree.',
            Type.Boolean(),
          ),
          by: text,
          at: text,
          withdrawals: about('Values that may be written, by UUID and path.', withdrawals),
        }),
      ),
    ),
  ),
}

export const orderedTable = unmarkedTable(
  'qstate.ordered',
  'The commit that this host is to have, as its fleet has ordered.',
  {
    title: 'order of the fleet',
    maxBytes: 2 * MIB,
    hint: 'the order that stands in the fleet is taken again',
  },
  withConsent,
)

export type Ordered = Frozen<Type.Static<Type.TObject<typeof withConsent>>>
export type StoredOrdered = DocumentOf<typeof orderedTable>
