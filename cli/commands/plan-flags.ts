import { type PlanOptions } from '../../app/plan/index.ts'
import { parallelismOf, targetsOf } from '../options.ts'

/** Options of every command that makes a plan. */
export interface PlanFlags {
  readonly target?: readonly string[]
  readonly parallelism: string
  readonly explain?: boolean
}

/** What explains a plan is read for a person; from a management qube only where that is asked for, as its policy is to be small. */
export const planOptions = (flags: PlanFlags): PlanOptions => ({
  targets: targetsOf(flags),
  parallelism: parallelismOf(flags),
  explain: flags.explain === true ? 'yes' : 'where-free',
})
