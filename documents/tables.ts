import { acceptedTable } from './agent/accepted.ts'
import { consentTable } from './agent/consent.ts'
import { memoryTable } from './agent/memory.ts'
import { notificationTable } from './agent/notification.ts'
import { orderedTable } from './agent/ordered.ts'
import { suspensionTable } from './agent/suspension.ts'
import { askTable } from './fleet/ask.ts'
import { hostPlanTable } from './fleet/host-plan.ts'
import { hostReportTable } from './fleet/host-report.ts'
import { leaseTable } from './fleet/lease.ts'
import { memberTable } from './fleet/member.ts'
import { orderTable } from './fleet/order.ts'
import { rolloutConsentTable } from './fleet/rollout-consent.ts'
import { rolloutStateTable } from './fleet/rollout-state.ts'
import { baselineTable } from './host/baseline.ts'
import { generationTable } from './host/generation.ts'
import { holderTable } from './host/holder.ts'
import { planTable } from './host/plan.ts'
import { receiptTable } from './host/receipt.ts'
import { reportTable } from './host/report.ts'
import { snapshotTable } from './host/snapshot.ts'
import { stepTable } from './host/step.ts'
import { unconfirmedTable } from './host/unconfirmed.ts'

/** Every document, by the names that `qstate schema` knows: for scripts/generate-validator.mjs, which makes the parsers of them. */
export const TABLES = {
  accepted: acceptedTable,
  ask: askTable,
  baseline: baselineTable,
  consent: consentTable,
  generation: generationTable,
  holder: holderTable,
  'host-plan': hostPlanTable,
  'host-report': hostReportTable,
  lease: leaseTable,
  member: memberTable,
  memory: memoryTable,
  notification: notificationTable,
  order: orderTable,
  ordered: orderedTable,
  plan: planTable,
  receipt: receiptTable,
  report: reportTable,
  'rollout-consent': rolloutConsentTable,
  'rollout-state': rolloutStateTable,
  snapshot: snapshotTable,
  step: stepTable,
  suspension: suspensionTable,
  unconfirmed: unconfirmedTable,
}
