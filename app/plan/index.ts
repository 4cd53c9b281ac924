/**
 * Plans as values and as files: for a spec on a host, between two revisions, and saved ones.
 */
export { diffRevisions, type QubeDifference, type RevisionDiff, type SettingDifference } from './diff.ts'
export { warnInterruptedApply } from './interrupted.ts'
export { isPlanFile, readPlanFile, type SavedPlan, tablesFrom, writePlanFile } from './plan-file.ts'
export { type Explain, type PlanOptions, planSpec } from './plan-spec.ts'
export { type Selects, type Target } from './targets.ts'
