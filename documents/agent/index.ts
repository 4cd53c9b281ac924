/**
 * What an agent keeps and sends: its memory, the orders of people, notifications.
 */
export { acceptedDocument } from './accepted-validator.ts'
export type { GivenConsent } from './consent.ts'
export { consentDocument } from './consent-validator.ts'
export type { Memory } from './memory.ts'
export { memoryDocument } from './memory-validator.ts'
export type { Notification } from './notification.ts'
export type { Ordered } from './ordered.ts'
export { orderedDocument } from './ordered-validator.ts'
export type { Suspension } from './suspension.ts'
export { suspensionDocument } from './suspension-validator.ts'
