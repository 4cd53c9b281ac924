import { fromPublic } from '@nats-io/nkeys'

/** Whether the last letters of a key, which has the form of one, are the checksum of the others. */
export function hasRightChecksum(key: string): boolean {
  try {
    fromPublic(key)
    return true
  } catch {
    return false
  }
}
