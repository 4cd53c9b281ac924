/**
 * What an agent tells others: notifications, metrics, health and status.
 */
export { makeMetrics } from './metrics.ts'
export { type Notice, noticesOf, UNREACHABLE_FROM } from './notifications.ts'
export { openNotifier } from './notify.ts'
export { serve } from './serve.ts'
