import { type Measured, type Together } from './measure.ts'

/** What `npm run bench` found, for a number of qubes in the spec. */
export interface Size {
  readonly qubes: number
  readonly onHost: number
  readonly validate: Measured
  /** The YAML library alone on the same file. */
  readonly yaml: Measured
  /** Nothing to do, on a socket that answers at once, and the same calls from a bare loop. */
  readonly plan: Measured
  readonly bareLoop: Measured
  /** Median of plan by bare loop, pair by pair, on the wall. */
  readonly ratio: number
  /** Median of what a plan takes more than the bare loop, pair by pair: milliseconds. */
  readonly more: Together['more']
  readonly apply: Measured
  /** The same against a daemon as slow as qubesd. */
  readonly slowPlan: Measured
  readonly slowBareLoop: Measured
  readonly slowRatio: number
  readonly calls: { readonly plan: Record<string, number>; readonly apply: Record<string, number> }
  readonly least: { readonly plan: number; readonly writes: number }
  /** Requests of a plan that were made before in the same plan. */
  readonly twice: number
  readonly writes: number
}

/** All of it, as bench/results/latest.json has it. */
export interface Results {
  readonly machine: Record<string, string | number>
  readonly runs: number
  readonly node: Measured
  readonly version: Measured
  readonly sizes: readonly Size[]
  readonly sweep: readonly {
    readonly concurrency: number
    readonly plan: Measured
    readonly bareLoop: Measured
  }[]
  readonly sweepQubes: number
}
