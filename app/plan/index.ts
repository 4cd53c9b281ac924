/**
 * Plans as values and as files: for a spec on a host, between two revisions, and saved ones.
 */
export { diffRevisions, type QubeDifference, type RevisionDiff, type SettingDifference } from './diff.ts'
export { warnInterruptedApply } from './interrupted.ts'
export { isPlanFile, readPlanFile, tablesFrom, writePlanFile } from './plan-file.ts'
export { type PlanOptions, planSpec } from './plan-spec.ts'
export { type Target } from './targets.ts'
