import { EXIT, type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import { type Plan } from './plan.ts'

/** What became of an apply. Statuses are participles: they say what has happened, never what will. */
export interface Report {
  readonly plan: Plan
  readonly qubes: readonly QubeReport[]
  /** The run was stopped by a signal, the daemon went away, or the journal could not be written. */
  readonly interrupted: Problem | null
}

type QubeStatus =
  /** Everything planned is there: seen by looking again. */
  | 'applied'
  /** Nothing was planned. */
  | 'unchanged'
  /** Nothing of the qube could be planned. */
  | 'blocked'
  /** Something changed since the plan: nothing was written. */
  | 'stale'
  /** Not begun, because the run ended before. */
  | 'skipped'
  | 'failed'

export interface QubeReport {
  readonly qube: string
  readonly status: QubeStatus
  readonly outcomes: readonly Outcome[]
  /** What changed since the plan. */
  readonly stale: readonly Stale[]
  readonly error: Problem | null
  /** Writes that were answered well, the record's among them. */
  readonly writes: number
  /** Writes that got no whole answer: each may have been done. What they set is read again. */
  readonly unanswered: number
  /** A write has been sent, whatever came of it. */
  readonly touched: boolean
  /** Settings changed that count only after the next start of the running qube. */
  readonly waiting: readonly string[]
}

export interface Outcome {
  readonly path: string
  readonly status: 'applied' | 'failed' | 'skipped' | 'unverified'
  readonly error: Problem | null
}

interface Stale {
  readonly path: string
  readonly planned: Value | null
  readonly found: Value | null
}

/** The first thing that went wrong with a qube. */
export const failureOf = ({ error, outcomes }: QubeReport): Problem | null =>
  error ?? outcomes.find((outcome) => outcome.error !== null)?.error ?? null

/** One code for a whole report: nothing amiss, all amiss, or in part. */
export function reportExitCode(
  report: Pick<Report, 'plan' | 'qubes'> & { readonly interrupted: unknown },
): number {
  const statuses = report.qubes.map((qube) => qube.status)
  const wrote = report.qubes.some((qube) => qube.touched)
  const blocked = report.plan.qubes.some((qube) => qube.blocked.length > 0)
  const done = statuses.every((s) => s === 'applied' || s === 'unchanged')
  if (!blocked && done && report.interrupted === null) return EXIT.done
  if (wrote) return EXIT.partial
  return statuses.includes('stale') ? EXIT.stale : EXIT.error
}
