/**
 * A host → what is set on a qube now. Reads only, and everything once.
 */
export { isGuestValue } from './guest-values.ts'
export {
  ensureNeeds,
  foreseeQube,
  type Look,
  lookAt,
  type ObservedQube,
  observeFrom,
  observePaths,
  observeQube,
  observeRecord,
  withMore,
} from './observe.ts'
export { planWaits } from './pending-restart.ts'
