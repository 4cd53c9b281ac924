import { type Unknown } from '../../../reconciler/index.ts'
import { problem, QstateError } from '../../../spec/diagnostics/index.ts'

/** What one call could not tell is unknown; that the daemon is gone is everybody's failure, and what is no failure a bug. */
export function unknownOf(error: unknown): Unknown {
  if (!(error instanceof QstateError) || error.fatal) throw error
  return { status: 'unknown', problem: error.problem }
}

export const noSuchProperty = (qube: string, name: string): Unknown => ({
  status: 'unknown',
  problem: problem(
    'unknown-property',
    `${qube} has no property ${name} on this release`,
    'leave it out for this qube; `qvm-prefs` lists the properties that it has',
  ),
})
