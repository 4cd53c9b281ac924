import { type Position } from './desired-state.ts'
import { assignments } from './check-qube.ts'
import { type Composed } from './compose.ts'
import { errorAt, problem, type Report } from './diagnostics.ts'
import { overlap, type UsbDevice } from './usb-device.ts'
import { at } from './wording.ts'

interface Claim {
  readonly qube: string
  readonly key: string
  readonly device: UsbDevice
  readonly position: Position
}

/** Two qubes that both take one device by themselves: whichever starts first would have it. */
export function checkClaims(qubes: ReadonlyMap<string, Composed>, report: Report): void {
  /** The first claim of each key, by backend: others are measured against it. */
  const claimed = new Map<string, Map<string, Claim>>()
  for (const [qube, composed] of qubes) {
    for (const { device, key, mode, position } of assignments(composed)) {
      if (mode === 'ask-to-attach') continue
      const claim = { qube, key, device, position }
      const before = claimed.get(device.backend) ?? new Map<string, Claim>()
      claimed.set(device.backend, before)
      const rival = findRival(claim, before)
      if (rival !== undefined) report(errorAt(position, contested(claim, rival)))
      if (!before.has(key)) before.set(key, claim)
    }
  }
}

function findRival(claim: Claim, before: ReadonlyMap<string, Claim>): Claim | undefined {
  const same = before.get(claim.key)
  if (same !== undefined && same.qube !== claim.qube) return same
  return [...before.values()].find(
    (other) => other.qube !== claim.qube && overlap(other.device, claim.device),
  )
}

function contested(claim: Claim, rival: Claim): ReturnType<typeof problem> {
  const as = rival.key === claim.key ? '' : `, as ${rival.key}`
  return problem(
    'contested-device',
    `${claim.qube} and ${rival.qube} both take ${claim.key} by themselves`,
    `${rival.qube} does at ${at(rival.position)}${as}; make one of the two ask-to-attach`,
  )
}
