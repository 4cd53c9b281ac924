import { QubesdError } from '../../../qubesd/index.ts'
import { HostError, type Unknown } from '../../../reconciler/index.ts'

/** What went wrong with a call, as the core knows it. Anything that is not a failure of qubesd is a bug, and thrown. */
export function asHostError(error: unknown): HostError {
  if (error instanceof HostError) return error
  if (!(error instanceof QubesdError)) throw error
  const fatal = error.code === 'daemon-gone' || error.code === 'aborted'
  return new HostError(error.code, error.message, error.hint, fatal, error)
}

/** What one call could not tell is unknown; that the daemon is gone is everybody's failure. */
export function unknownOf(error: unknown): Unknown {
  const failure = asHostError(error)
  if (failure.fatal) throw failure
  return { status: 'unknown', why: failure.message, hint: failure.hint }
}

export const noSuchProperty = (qube: string, name: string): Unknown => ({
  status: 'unknown',
  why: `${qube} has no property ${name} on this release`,
  hint: 'leave it out for this qube; `qvm-prefs` lists the properties that it has',
})
