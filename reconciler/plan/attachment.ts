import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type AvailableDevice, type PresentDevice } from '../ports/index.ts'
import { deviceOf, isMeant } from './devices.ts'
import { nearMatch } from './near-match.ts'

/** Why a running qube does not have the device of a path, which is assigned to it; undefined: it has it. */
export function unattached(
  qube: string,
  path: string,
  present: readonly AvailableDevice[],
): Problem | undefined {
  const meant = present.filter((device) => isMeant(path, device))
  if (meant.length === 0) return notPluggedIn(path, present)
  const missing = meant.find(({ attachedTo }) => attachedTo !== qube)
  if (missing === undefined) return undefined
  if (missing.attachedTo !== null) return isElsewhere(missing.attachedTo)
  return problem(
    'not-attached',
    `is plugged into port ${missing.port}, and not attached`,
    '`qstate apply --live` attaches it, as does a restart of the qube',
  )
}

/** It is not there; with what comes nearest to it. */
export function notPluggedIn(path: string, present: readonly PresentDevice[]): Problem {
  const near = nearMatch(deviceOf(path), present)
  const instead = near === undefined ? '' : ` (${near.text})`
  const message = `is not plugged in${instead}: assigned, and attached once it is`
  return problem('device-absent', message, near?.hint ?? '')
}

/** Another qube has it, and keeps it. */
export const isElsewhere = (qube: string): Problem =>
  problem('device-in-use', `is attached to ${qube}: not taken from it`, `detach it from ${qube}`)
