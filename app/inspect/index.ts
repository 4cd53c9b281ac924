/**
 * Looks at a host and its history, and changes nothing: generations, status, drift, qubes, devices.
 */
export { findUnattached, listDevices } from './devices.ts'
export { blockedIn, driftIn } from './drift.ts'
export { type GenerationSummary, listGenerations } from './history.ts'
export { type ShownQube, type ShownSetting, showQubes } from './show.ts'
export { isDrift, type QubeStatus, powerOf, statusOf } from './status.ts'
