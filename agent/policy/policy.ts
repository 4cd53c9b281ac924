import { type AgentConfig } from '../../spec/agent/index.ts'
import { AREAS } from '../../spec/index.ts'

/** What an agent may do by itself. `observe` reports, `propose` saves a plan for a person to apply, `apply` applies. */
export type Policy = AgentConfig['policy']

/** Whether anything may be written now. */
export type Gate =
  | { readonly open: true }
  /** `until`: ISO 8601, or null where only a person opens it. */
  | { readonly open: false; readonly why: Closed; readonly until: string | null }

type Closed = 'suspended' | 'frozen' | 'outside' | 'awaiting-confirmation' | 'not-confirmed'

/** Whether a setting goes back to what was there before where a selector has lost the qube to the host: drift that is corrected. */
export const withdrawsUnmatched =
  ({ drift, withdraw }: Policy) =>
  (path: string): boolean =>
    withdraw === 'apply' && AREAS.some((area) => path.startsWith(`${area}/`) && drift[area] === 'correct')
