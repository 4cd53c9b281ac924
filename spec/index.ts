/**
 * YAML text in, DesiredState or diagnostics out.
 *
 * The folder knows how a manifest is written and what can be wrong with it. It deliberately does not know where the text
 * comes from (no disk, clock or network), what a host looks like beyond the few facts that selectors ask for, or how a
 * setting is reached: that is the providers' business.
 */
export {
  type Area,
  AREAS,
  type CreatableClass,
  type DesiredQube,
  type DesiredSetting,
  type DesiredState,
  type Ensure,
  type HostFacts,
  type RestartPolicy,
  type Untold,
  type Value,
  type VolumeSizes,
} from './desired-state.ts'
export { type Diagnostic, type Problem } from './diagnostics.ts'
export { valuesText } from './digest.ts'
export { durationMs } from './duration.ts'
export { formatDiagnostics } from './format.ts'
export { loadManifest } from './load.ts'
export { type LoadOptions, type Manifest } from './manifest.ts'
export { HOST_NAME } from './names.ts'
export { pathProblem } from './path-problem.ts'
export { isSettingPath, isValueFor, parsePath, SLIC_TABLES, TABLE } from './paths.ts'
export { resolve } from './resolve.ts'
export { comesAndGoes } from './select.ts'
export {
  canBeAbsent,
  QUBE_NAME,
  RECORD_FEATURE,
  type Setting,
  SETTING_BY_PATH,
  settingOf,
  SETTINGS,
  TAG_NAME,
  UNNAMED_DISPOSABLE,
  USB_DEVICE,
} from './settings.ts'
export { type SourceFile } from './source.ts'
export { overlap } from './usb-device.ts'
export { nearest } from './wording.ts'
export { CREATABLE, LABEL, RESTART_WORDS } from './words.ts'
export { type LeftOut, type NamedDevice, writeManifest, type WrittenManifest } from './write-manifest.ts'
export { scalar } from './write-value.ts'
