/**
 * The smallest qrexec policy that a spec needs from a management qube.
 */
export { type ManagementPolicy, policyFor } from './policy-for.ts'
export { type Extras, type Rule } from './rules.ts'
