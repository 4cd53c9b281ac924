import * as Type from 'typebox'
import {
  about,
  commit,
  count,
  type DocumentOf,
  type Frozen,
  MIB,
  orNull,
  table,
  text,
  valueOrAbsent,
} from '../table/index.ts'
import { PUBLIC_KEY } from '../../spec/vocabulary/index.ts'
import { MAX_CHANGES } from './host-text.ts'
import { hostText } from './parts.ts'

/** Values that a host would write, as it says itself. */
export const hostWithdrawals = Type.Array(
  Type.Object({ qube: hostText, uuid: hostText, path: hostText, after: valueOrAbsent }),
  { maxItems: MAX_CHANGES },
)

export const orderConsent = Type.Object({
  withdrawals: about('Values that may be written, by UUID and path: these, and no others.', hostWithdrawals),
  by: text,
  at: text,
  signed: about(
    'By whose key, over fleet, host, rollout, commit and all of the above. Null: the store is a folder of one machine.',
    orNull(
      Type.Object({
        key: about('Public.', Type.String({ pattern: PUBLIC_KEY.source })),
        signature: about('Ed25519, in base64.', Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$' })),
      }),
    ),
  ),
})

export const rolloutConsentTable = table(
  'qstate.rollout-consent',
  'Consent to the withdrawals of one host, given when a rollout was started. A controller puts it into the orders of that rollout.',
  {
    title: 'consent to the withdrawals of a host',
    maxBytes: 2 * MIB,
    hint: 'agree again: `qstate rollout start`',
  },
  { rollout: about('Number of the rollout.', count), commit, consent: orderConsent },
)

export type RolloutConsent = DocumentOf<typeof rolloutConsentTable>
export type OrderConsent = Frozen<Type.Static<typeof orderConsent>>
