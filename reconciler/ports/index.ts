/**
 * What the core asks of the world: Host and Provider, and the values that pass through them.
 * Implementations are handed in; nothing here opens anything.
 */
export {
  hasTemplate,
  type Host,
  type HostCall,
  type HostQube,
  isRunning,
  type Needs,
  type Observation,
  orListed,
  type Orphan,
  type Present,
  type Reading,
  type Refusal,
  type Release,
  sameValue,
  type TemplateTexts,
  type Unknown,
  type UsbAssignment,
  type VolumeName,
} from './host.ts'
export { mapLimited } from './map-limited.ts'
export { mergeNeeds, needsOf, NO_NEEDS } from './needs.ts'
export { type Provider, providerOf, type Providers, type QubeFacts, type SettingChange } from './provider.ts'
