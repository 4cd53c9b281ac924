import { type AgentConfig } from '../../spec/agent/index.ts'
import { driftPolicyOf } from '../../spec/index.ts'

/**
 * What an agent may do by itself. What a commit newly says is observed, proposed as a plan for a person to apply, or applied; what
 * others have changed since it was applied is a matter of its drift policies alone.
 */
export type Policy = AgentConfig['policy']

/** Whether anything may be written now. */
export type Gate =
  | { readonly open: true }
  /** `until`: ISO 8601, or null where only a person opens it. */
  | { readonly open: false; readonly why: Closed; readonly until: string | null }

type Closed = 'suspended' | 'frozen' | 'outside' | 'awaiting-confirmation' | 'not-confirmed'

/** Whether drift of a setting is set back. */
export const isCorrected = ({ drift }: Policy, path: string): boolean =>
  driftPolicyOf(drift, path) === 'correct'

/** Whether drift of any setting is. */
export const correctsDrift = ({ drift }: Policy): boolean => [...drift.values()].includes('correct')

/** Whether anything is ever written, and any qube restarted for it. */
export const mayWrite = (policy: Policy): boolean => policy.commits === 'apply' || correctsDrift(policy)

/** Whether a setting goes back to what was there before where a selector has lost the qube to the host: drift that is corrected. */
export const withdrawsUnmatched =
  (policy: Policy) =>
  (path: string): boolean =>
    policy.withdraw === 'apply' && isCorrected(policy, path)
