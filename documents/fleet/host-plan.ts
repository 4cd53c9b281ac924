import * as Type from 'typebox'
import { about, type DocumentOf, MIB, orNull, problemOf, table } from '../table/index.ts'
import { MAX_CHANGES } from './host-text.ts'
import { hostText } from './parts.ts'
import { hostWithdrawals } from './rollout-consent.ts'

export const hostPlanTable = table(
  'qstate.host-plan',
  'What a host answers when it is asked what a commit would change there.',
  { title: 'answer of a host', maxBytes: 2 * MIB, hint: 'ask again: `qstate rollout plan`' },
  {
    id: about('Of the question.', Type.String({ maxLength: 200 })),
    digest: orNull(hostText),
    changes: Type.Array(Type.Object({ qube: hostText, what: hostText }), { maxItems: MAX_CHANGES }),
    trouble: about('Why there is no plan.', orNull(hostText)),
    problem: Type.Optional(
      about(
        'The same with its code. Earlier agents do not write it.',
        orNull(Type.Object(problemOf(hostText))),
      ),
    ),
    consent: Type.Optional(
      about(
        'The consent that its withdrawals need; null: none. Earlier agents do not write it.',
        orNull(
          Type.Object({
            qubes: Type.Array(
              Type.Object({
                qube: hostText,
                isWhole: about('No owned setting of it stays.', Type.Boolean()),
              }),
              { maxItems: MAX_CHANGES },
            ),
            withdrawals: hostWithdrawals,
            keys: about(
              'Public keys whose consent is enough there; null: any, since the store is trusted.',
              orNull(Type.Array(hostText, { maxItems: 100 })),
            ),
          }),
        ),
      ),
    ),
  },
)

export type HostPlan = DocumentOf<typeof hostPlanTable>
