import * as Type from 'typebox'
import { about, commit, count, type DocumentOf, MIB, orNull, table } from '../table/index.ts'
import { checkName, orderId } from './parts.ts'
import { orderConsent } from './rollout-consent.ts'

export const orderTable = table(
  'qstate.order',
  'What a host is to have, until it is told otherwise. The latest one counts; there is nothing to be missed.',
  {
    title: 'order',
    maxBytes: 2 * MIB,
    hint: 'use the newest qstate everywhere; a controller writes orders again',
  },
  {
    id: about('Names the order, whoever writes it: the same order twice is one.', orderId),
    epoch: about(
      'Term of the controller that wrote it. A host takes none older than one that it has seen.',
      count,
    ),
    commit,
    back: about(
      'The host had this commit before, and goes back. A host goes back only to where it has been.',
      Type.Boolean(),
    ),
    look: about(
      'Asks how the host is now. It is judged by a report that answers this, since one that is only heard now may have been written long ago.',
      Type.Boolean(),
    ),
    running: about(
      'Qubes that should run, where they exist.',
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
    ),
    check: about('What the host is to run after it has applied the commit.', orNull(checkName)),
    consent: Type.Optional(
      about(
        'Consent to withdrawals of this host, given for this commit when the rollout was started. Earlier controllers do not write it.',
        orNull(orderConsent),
      ),
    ),
  },
)

export type Order = DocumentOf<typeof orderTable>
