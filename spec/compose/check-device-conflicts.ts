import { errorAt, formatRange, problem, type Report, type SourceRange } from '../diagnostics/index.ts'
import { overlap, type UsbDevice } from '../vocabulary/index.ts'
import { type Assignment, type View } from './check-qube.ts'

interface Claim {
  readonly qube: string
  readonly key: string
  readonly device: UsbDevice
  readonly position: SourceRange
  readonly order: number
}

/** The first claim of each key of one backend: others are measured against it. By port too, since on other ports none meets it. */
interface Claims {
  readonly byKey: Map<string, Claim>
  readonly byPort: Map<string, Claim[]>
}

/** Two qubes that both take one device by themselves: whichever starts first would have it. */
export function checkClaims(qubes: ReadonlyMap<string, View>, report: Report): void {
  const claimed = new Map<string, Claims>()
  let order = 0
  const claim = (qube: string, { device, key, mode, position }: Assignment): void => {
    if (mode === 'ask-to-attach') return
    const one = { qube, key, device, position, order: order++ }
    const before = claimed.get(device.backend) ?? { byKey: new Map(), byPort: new Map() }
    claimed.set(device.backend, before)
    const rival = findRival(one, before)
    if (rival !== undefined) report(errorAt(position, contested(one, rival)))
    if (!before.byKey.has(key)) addClaim(one, before)
  }
  for (const [qube, { composed, usb }] of qubes) {
    if (composed.ensure?.creates === 'absent') continue
    for (const assignment of usb) claim(qube, assignment)
  }
}

function addClaim(claim: Claim, { byKey, byPort }: Claims): void {
  byKey.set(claim.key, claim)
  const { port } = claim.device
  const there = byPort.get(port)
  if (there === undefined) byPort.set(port, [claim])
  else there.push(claim)
}

function findRival(claim: Claim, { byKey, byPort }: Claims): Claim | undefined {
  const same = byKey.get(claim.key)
  if (same !== undefined && same.qube !== claim.qube) return same
  const { port } = claim.device
  const meets = (other: Claim): boolean => other.qube !== claim.qube && overlap(other.device, claim.device)
  if (port === '*') return [...byKey.values()].find(meets)
  const here = byPort.get(port)?.find(meets)
  const anywhere = byPort.get('*')?.find(meets)
  if (here === undefined || anywhere === undefined) return here ?? anywhere
  return here.order < anywhere.order ? here : anywhere
}

function contested(claim: Claim, rival: Claim): ReturnType<typeof problem> {
  const as = rival.key === claim.key ? '' : `, as ${rival.key}`
  return problem(
    'contested-device',
    `${claim.qube} and ${rival.qube} both take ${claim.key} by themselves`,
    `${rival.qube} does at ${formatRange(rival.position)}${as}; make one of the two ask-to-attach`,
  )
}
