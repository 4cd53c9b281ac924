import { formatRange, problem, type Problem, type SourceRange } from '../diagnostics/index.ts'
import { overlap, type UsbDevice } from '../vocabulary/index.ts'
import { type Assignment, type View } from './check-qube.ts'

interface DeviceClaim {
  readonly qube: string
  readonly path: string
  readonly key: string
  readonly device: UsbDevice
  readonly position: SourceRange
  readonly order: number
}

/**
 * Two qubes that take one device by themselves, so that whichever starts first has it: the same device twice, or two that
 * are one only while a certain device is in a certain port.
 */
export interface DeviceConflict {
  readonly claim: DeviceClaim
  readonly other: DeviceClaim
  readonly isSame: boolean
}

/** The first claim of each key of one backend: others are measured against it. By port too, since on other ports none meets it. */
interface Claims {
  readonly byKey: Map<string, DeviceClaim>
  readonly byPort: Map<string, DeviceClaim[]>
}

export function deviceConflicts(qubes: ReadonlyMap<string, View>): readonly DeviceConflict[] {
  const claimed = new Map<string, Claims>()
  const found: DeviceConflict[] = []
  let order = 0
  const claim = (qube: string, { device, path, key, mode, position }: Assignment): void => {
    if (mode === 'ask-to-attach') return
    const one = { qube, path, key, device, position, order: order++ }
    const before = claimed.get(device.backend) ?? { byKey: new Map(), byPort: new Map() }
    claimed.set(device.backend, before)
    const other = findOther(one, before)
    if (other !== undefined) found.push({ claim: one, other, isSame: other.key === key })
    if (!before.byKey.has(key)) addClaim(one, before)
  }
  for (const [qube, { composed, usb }] of qubes) {
    if (composed.ensure?.creates === 'absent') continue
    for (const assignment of usb) claim(qube, assignment)
  }
  return found
}

function addClaim(claim: DeviceClaim, { byKey, byPort }: Claims): void {
  byKey.set(claim.key, claim)
  const { port } = claim.device
  const there = byPort.get(port)
  if (there === undefined) byPort.set(port, [claim])
  else there.push(claim)
}

function findOther(claim: DeviceClaim, { byKey, byPort }: Claims): DeviceClaim | undefined {
  const same = byKey.get(claim.key)
  if (same !== undefined && same.qube !== claim.qube) return same
  const { port } = claim.device
  const meets = (other: DeviceClaim): boolean =>
    other.qube !== claim.qube && overlap(other.device, claim.device)
  if (port === '*') return [...byKey.values()].find(meets)
  const here = byPort.get(port)?.find(meets)
  const anywhere = byPort.get('*')?.find(meets)
  if (here === undefined || anywhere === undefined) return here ?? anywhere
  return here.order < anywhere.order ? here : anywhere
}

/** What is wrong with the claim; the same for the other one with the two exchanged. */
export function conflictProblem({ claim, other, isSame }: DeviceConflict): Problem {
  const place = formatRange(other.position)
  if (isSame)
    return problem(
      'contested-device',
      `${claim.qube} and ${other.qube} both take ${claim.key} by themselves`,
      `${other.qube} does at ${place}; make one of the two ask-to-attach`,
    )
  return problem(
    'overlapping-devices',
    `${claim.qube} and ${other.qube} may both take one device by themselves: ${claim.key}, and ${other.key} at ${place}`,
    'they meet only while that device is in that port, where Qubes asks the user; with ask-to-attach in one of the two they never do',
  )
}
