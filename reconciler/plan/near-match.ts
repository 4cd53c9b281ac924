import { type PresentDevice } from '../ports/index.ts'
import { type Device } from './devices.ts'

/** What is plugged in in the place of a device that is not, and what a person may do about it. */
export interface NearMatch {
  readonly text: string
  readonly hint: string
}

/**
 * The device that comes nearest to one that is not plugged in: itself on another port, one of its kind (a serial or interfaces that
 * differ), or what is on its port. Undefined: none is like it.
 */
export function nearMatch(device: Device, present: readonly PresentDevice[]): NearMatch | undefined {
  const { backend, port, identity } = device
  const there = present.filter((one) => one.backend === backend)
  const moved = there.find((one) => one.identity === identity)
  if (moved !== undefined)
    return {
      text: `it is on port ${moved.port} now`,
      hint: `plug it into port ${port}, or assign it on any port: "${backend}+*:${identity}"`,
    }
  const onPort = there.filter((one) => one.port === port)
  const alike = [...onPort, ...there].find((one) => kindOf(one) === kindOf(device))
  const other = alike ?? onPort[0]
  if (other === undefined) return undefined
  return {
    text: alike === undefined ? `${port} has ${other.identity} now` : difference(alike, device),
    hint: `if that is the device, assign it: "${backend}+${port}:${other.identity}"`,
  }
}

/** Vendor and product. */
const kindOf = ({ identity }: Pick<Device, 'identity'>): string => identity.split(':', 2).join(':')

function difference(found: PresentDevice, wanted: Device): string {
  const [serial, interfaces] = found.identity.split(':').slice(2)
  const has = `${found.port} has ${kindOf(found)}`
  // A device without a serial number has an empty one, which Qubes shows as unknown.
  return serial === wanted.identity.split(':')[2]
    ? `${has} with interfaces ${interfaces ?? ''}`
    : `${has} with serial ${serial === undefined || serial === '' ? 'unknown' : serial}`
}
