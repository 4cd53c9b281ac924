/**
 * The host that is simulated: qubes, labels, devices, and the JSON fixture it starts from.
 */
export {
  Failure,
  isSilent,
  permissionDenied,
  propertyValueError,
  protocolError,
  unhandled,
  valueError,
} from './failure.ts'
export {
  type AssignmentFixture,
  type HostFixture,
  parseFixture,
  type PowerState,
  type QubeClass,
  type QubeFixture,
  type UsbFixture,
} from './fixture.ts'
export {
  type Assignment,
  ASSIGNMENT_MODES,
  assignmentKey,
  type AssignmentMode,
  fire,
  firePre,
  hasTemplate,
  type Host,
  type HostEvent,
  isHalted,
  isOrdinary,
  isRunning,
  type Listener,
  type Qube,
  qubesInOrder,
  type Reaction,
  toFixture,
} from './host.ts'
export { asBoolean, asCount, asList, asObject, asString, refuseOthers, wrong } from './json-shape.ts'
export {
  checkLabelName,
  createLabel,
  type Label,
  labelFromProperty,
  labelName,
  labelNumber,
  LABELS,
} from './labels.ts'
export {
  ascii,
  byCodePoint,
  decodeComplaint,
  isPrintable,
  parsePythonInt,
  repr,
  splitOnce,
  str,
  type Value,
} from './python.ts'
export { BEHAVIOUR, type SimulatedVersion } from './release.ts'
