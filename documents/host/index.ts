/**
 * What is kept of one host: plans, reports, generations, locks, snapshots, and the mark of an unconfirmed apply.
 */
export { baselineDocument } from './baseline-validator.ts'
export type { GenerationMeta } from './generation.ts'
export { generationDocument } from './generation-validator.ts'
export type { Holder } from './holder.ts'
export { holderDocument } from './holder-validator.ts'
export { planDocument } from './plan-validator.ts'
export { receiptDocument } from './receipt-validator.ts'
export type { StoredReport } from './report.ts'
export { reportDocument } from './report-validator.ts'
export type { HostSnapshot } from './snapshot.ts'
export { snapshotDocument } from './snapshot-validator.ts'
export type { Step } from './step.ts'
export { stepDocument } from './step-validator.ts'
export type { Unconfirmed } from './unconfirmed.ts'
export { unconfirmedDocument } from './unconfirmed-validator.ts'
