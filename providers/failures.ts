import { QubesdError } from '../qubesd/errors.ts'
import { HostError, type Unknown } from '../reconciler/index.ts'

/** What went wrong with a call, as the core knows it. Anything that is not a failure of qubesd is a bug, and thrown. */
export function asHostError(error: unknown): HostError {
  if (error instanceof HostError) return error
  if (!(error instanceof QubesdError)) throw error
  const fatal = error.code === 'daemon-gone' || error.code === 'aborted'
  return new HostError(error.code, error.message, error.hint, fatal, error)
}

export const noSuchProperty = (qube: string, name: string): Unknown => ({
  status: 'unknown',
  why: `${qube} has no property ${name} on this release`,
  hint: 'leave it out for this qube; `qvm-prefs` lists the properties that it has',
})
