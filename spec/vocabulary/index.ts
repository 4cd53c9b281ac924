/**
 * The words of a spec: areas, settings, paths, names, values, and the DesiredState that they make up.
 * It does not know how they are written in YAML.
 */
export {
  type Area,
  AREAS,
  type Assignment,
  type AssignmentMode,
  type CreatableClass,
  type DesiredQube,
  type DesiredSetting,
  type DesiredState,
  type DriftPolicies,
  type DriftPolicy,
  type Ensure,
  type HostFacts,
  type Move,
  type RestartPolicy,
  type Selection,
  type Selections,
  type Unfit,
  type Value,
  type VolumeSizes,
} from './desired-state.ts'
export { digestOf, matchedDigest, sorted, valuesText } from './digest.ts'
export { DRIFT_DEFAULT, DRIFT_GROUPS, DRIFT_WORDS, driftKeyProblem, driftPolicyOf } from './drift.ts'
export { DURATION, durationMs } from './duration.ts'
export { expectedOf } from './expected.ts'
export { unknownKeyHint } from './key-hints.ts'
export { nearNameProblem } from './near-names.ts'
export { HOST_NAME, type NameKind, nameProblem, OWN_NAME, PUBLIC_KEY, qubeProblem } from './names.ts'
export { pathProblem } from './path-problem.ts'
export { isSeenValueFor, isSettingPath, isValueFor, parsePath, SLIC_TABLES, TABLE } from './paths.ts'
export { NOT_A_FLAG, propertyTextProblem } from './property-texts.ts'
export { SETTING_HELP } from './setting-help.ts'
export { textProblem } from './setting-texts.ts'
export {
  canBeAbsent,
  FEATURE_NAME,
  PROPERTY_NAME,
  QUBE_NAME,
  RECORD_FEATURE,
  type Setting,
  SETTING_BY_PATH,
  settingOf,
  SETTINGS,
  SOUND_MODELS,
  type SettingType,
  TAG_NAME,
  UNNAMED_DISPOSABLE,
  USB_DEVICE,
} from './settings.ts'
export {
  backendProblem,
  deniedInterfaces,
  deniedProblem,
  identityProblem,
  overlap,
  parseUsbKey,
  portProblem,
  type UsbDevice,
  usbKey,
  wildProblem,
} from './usb-device.ts'
export {
  ABSENT,
  CREATABLE,
  FORMS,
  INHERIT,
  isPlainNumber,
  LABEL,
  MAX_TEXT,
  MODES,
  NUMBER_LIKE,
  OFF,
  PRINTABLE,
  RESTART_WORDS,
  SIZE,
  TRUTH_LIKE,
  UNMANAGED,
  WINDOW,
} from './words.ts'
export { isBalanced, LARGE_MEMORY, STUBDOM_FOR_LARGE, WINDOWS_NEEDS } from './windows.ts'
