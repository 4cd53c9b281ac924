import { fromPublic } from '@nats-io/nkeys'
import { errorAt, problem, type Report } from '../diagnostics/index.ts'
import { textOf } from '../read/index.ts'
import { PUBLIC_KEY } from '../vocabulary/index.ts'
import { type Written } from '../yaml/index.ts'

/** Reports keys that have the form of one and are mistyped: nothing would be wrong until one is needed. */
export function checkPublicKeys(keys: readonly Written[], report: Report): void {
  for (const key of keys)
    if (PUBLIC_KEY.test(textOf(key) ?? '') && !hasRightChecksum(textOf(key) ?? ''))
      report(errorAt(key.position, BAD_KEY))
}

/** Whether the last letters of a key are the checksum of the others. */
function hasRightChecksum(key: string): boolean {
  try {
    fromPublic(key)
    return true
  } catch {
    return false
  }
}

const BAD_KEY = problem(
  'bad-key',
  'the checksum of this public key is wrong',
  'a letter of it was changed: copy it again as `qstate fleet key --of FILE` prints it, of the private key in FILE',
)
