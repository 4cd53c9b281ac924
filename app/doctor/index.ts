/**
 * Checks of what Windows qubes need of the host, with the fix for each.
 */
export { asking, attempt } from './asking.ts'
export { type Examined, type Finding, ok, type Verdict } from './check.ts'
export { readScene } from './context.ts'
export { dom0Files } from './dom0.ts'
export { findWindows } from './find-windows.ts'
export { type Examination, examineAll, versionFinding, unreachable } from './run-checks.ts'
