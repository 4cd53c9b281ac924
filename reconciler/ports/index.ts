/**
 * What the core asks of the world: Host and Provider, and the values that pass through them.
 * Implementations are handed in; nothing here opens anything.
 */
export {
  type AvailableDevice,
  hasTemplate,
  type Host,
  type HostCall,
  type HostQube,
  isRunning,
  type ManagedVersion,
  type Needs,
  type Observation,
  orListed,
  type Orphan,
  type Present,
  QUBES_VERSIONS,
  type QubesVersion,
  type PresentDevice,
  type PropertyState,
  type QubeProperties,
  type Reading,
  sameValue,
  type TemplateTexts,
  type Unknown,
  type UsbAssignment,
  type VolumeName,
} from './host.ts'
export { mapLimited } from './map-limited.ts'
export { mergeNeeds, needsOf, NO_NEEDS } from './needs.ts'
export {
  type Demand,
  meansSame,
  type Provider,
  providerOf,
  type Providers,
  type QubeFacts,
  type SettingChange,
} from './provider.ts'
export { creationKey, type Receipt, type Receipts } from './receipts.ts'
