import * as Type from 'typebox'
import { HOST_TEXT, MAX_HOST_TEXT } from './host-text.ts'

/** Text of a host that may be shown. A document that holds anything else is not believed at all. */
export const hostText = Type.String({ maxLength: MAX_HOST_TEXT, pattern: HOST_TEXT.source })

/** Number of the rollout, and of the order within it for this host. */
export const orderId = Type.String({ pattern: '^[0-9]{1,9}\\.[0-9]{1,9}$' })

/** Name of a program that the host’s owner put there. */
export const checkName = Type.String({ pattern: '^[A-Za-z0-9_-]{1,63}$' })
