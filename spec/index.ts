/**
 * YAML text in, DesiredState or diagnostics out.
 *
 * The folder knows how a manifest is written and what can be wrong with it. It deliberately does not know where the text
 * comes from (no disk, clock or network), what a host looks like beyond the few facts that selectors ask for, or how a
 * setting is reached: that is the providers' business.
 */
export { comesAndGoes, loadManifest, resolve } from './compose/index.ts'
export { type LoadOptions, type Manifest } from './read/index.ts'
export {
  type Area,
  type Assignment,
  AREAS,
  canBeAbsent,
  type CreatableClass,
  type DesiredQube,
  type DesiredSetting,
  type DesiredState,
  type DriftPolicy,
  driftPolicyOf,
  type Ensure,
  HOST_NAME,
  type HostFacts,
  isBalanced,
  isSeenValueFor,
  isSettingPath,
  isValueFor,
  matchedDigest,
  overlap,
  parsePath,
  pathProblem,
  QUBE_NAME,
  RECORD_FEATURE,
  type RestartPolicy,
  type Selection,
  type Selections,
  type Setting,
  SETTING_BY_PATH,
  settingOf,
  SETTINGS,
  SOUND_MODELS,
  SLIC_TABLES,
  TABLE,
  UNNAMED_DISPOSABLE,
  USB_DEVICE,
  type Value,
  valuesText,
  type VolumeSizes,
} from './vocabulary/index.ts'
