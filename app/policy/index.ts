/**
 * The smallest qrexec policy that a spec needs from a management qube.
 */
export { groupsOf } from './needs.ts'
export { type Extras, type Group, type Rule, rule, type Scope } from './rules.ts'
