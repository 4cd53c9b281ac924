/**
 * Checks of what Windows qubes need of the host, with the fix for each.
 */
export { type Examined, type Finding, type Verdict } from './check.ts'
export { runDoctor } from './doctor.ts'
