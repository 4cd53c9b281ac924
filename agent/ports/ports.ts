import { type Revision } from '../../git/index.ts'
import { type Plan, type Report, type RestartReport } from '../../reconciler/index.ts'
import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Manifest } from '../../spec/index.ts'
import { type HostEvent } from './events.ts'

/** The spec of one commit, read and found valid. */
export interface CommittedSpec {
  readonly commit: string
  readonly manifest: Manifest
  readonly revision: Revision
}

type Selects = (qube: string, path: string) => boolean

/** The host as the agent needs it. It fails with QstateError, or as the system does; anything else is a bug. */
export interface AgentHost {
  /** For people. */
  readonly where: string
  /**
   * What the spec would change, of the settings that are selected. Reads only. `withdrawsUnmatched`: what is withdrawn where a selector
   * no longer matches and no commit did that;
   * without it, nothing.
   */
  plan(spec: CommittedSpec, selects: Selects, withdrawsUnmatched?: (path: string) => boolean): Promise<Plan>
  /**
   * Does what a plan says; or says who is at work on the host. `mayStill` is asked once nobody else can be at work: whoever has
   * told the agent to be still by then is heard.
   */
  apply(
    spec: CommittedSpec,
    plan: Plan,
    mayStill: () => Promise<boolean>,
  ): Promise<Applied | { readonly kind: 'busy'; readonly who: string } | { readonly kind: 'held' }>
  /**
   * Attaches again what running qubes have lost of what is assigned to them. What has changed since the plan was made is of no matter:
   * who has a device is read first.
   */
  reattach(spec: CommittedSpec, plan: Plan, care: ReattachCare): Promise<readonly Reattached[]>
  /**
   * What an apply that waits to be confirmed, or was not confirmed in time, means for the agent. One that is overdue is taken back
   * first. Nothing is applied or restarted while one waits.
   */
  confirmation(): Promise<Confirmation>
  /** Restarts the qubes for which something waits, one after the other, where the spec says that they may be now. */
  restart(plan: Plan, report: Report | null, care: RestartCare): Promise<void>
  /** Starts a qube that was shut down to be started again. */
  start(qube: string): Promise<RestartReport>
  /** Saves a plan where a person finds it. Its path. */
  save(spec: CommittedSpec, plan: Plan): Promise<string>
  /** Ends when the signal fires. */
  events(signal: AbortSignal): AsyncIterable<HostNews>
}

export interface Confirmation {
  /** An apply waits; `until` is null where it is to be taken back, and is not yet. */
  readonly waiting: { readonly until: string | null } | null
  /** Commit of the last apply that was taken back, until a person has decided on it. */
  readonly notConfirmed: string | null
  /** What has just been taken back, or why it cannot be. */
  readonly problem: Problem | null
}

/** What is asked of the agent before a device is attached. */
export interface ReattachCare {
  /** Whether it is the agent's to attach at all. Of others nothing is read. */
  readonly selects: Selects
  /** Whether it may be tried now. */
  readonly may: Selects
  /** Called when no other run can be at work. */
  readonly mayStill: () => Promise<boolean>
}

/** A device that a running qube had lost. `held`: not tried now. */
export interface Reattached {
  readonly qube: string
  readonly path: string
  readonly status: 'attached' | 'failed' | 'held'
  readonly problem: Problem | null
}

/** What is asked of the agent before a qube is shut down. */
export interface RestartCare {
  readonly may: (qube: string) => boolean
  /** Called when no other run can be at work. */
  readonly mayStill: () => Promise<boolean>
  /** Told before the shutdown: from then on the qube has to be started again, whatever happens. */
  readonly intend: (qube: string) => Promise<void>
  /** Told of each as it comes out. */
  readonly tell: (report: RestartReport) => void
}

export interface Applied {
  readonly kind: 'applied'
  readonly report: Report
  /** Null: there was nothing to write. */
  readonly generation: number | null
}

export type HostNews =
  /** From here on nothing is missed; what was before is not known. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'event'; readonly event: HostEvent }
  | { readonly kind: 'lost'; readonly problem: Problem }
  /** The host will not tell. It is asked again later. */
  | { readonly kind: 'refused'; readonly problem: Problem }

/** Time, as the loop knows it. */
export interface Clock {
  now(): Date
  /** Resolves after so many milliseconds, or as soon as the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}
