/**
 * The Admin API client: codec, transports, typed verbs, errors. Of qstate it knows the shape of a problem.
 */
export {
  detectVersion,
  getFeature,
  getInheritedFeature,
  getProperties,
  getProperty,
  getSomeProperties,
  hasTag,
  listAssigned,
  listAttached,
  listAvailable,
  listDenied,
  listFeatures,
  listKernels,
  listLabels,
  listProperties,
  listQubes,
  listTags,
  namesRefusals,
  powerState,
  send,
  volumeSize,
} from './admin.ts'
export {
  deniedAdd,
  deniedRemove,
  featureRemove,
  featureSet,
  isWrite,
  type Mode,
  propertyReset,
  propertySet,
  tagRemove,
  tagSet,
  usbAssign,
  usbAttach,
  usbDetach,
  type UsbDevice,
  usbSetMode,
  usbUnassign,
} from './calls.ts'
export { type Client, createClient } from './client.ts'
export { type Call, MAX_REQUEST_BYTES } from './codec.ts'
export { findTransport } from './connect.ts'
export { describeCall, policyLine, QubesdError, quoteForTerminal } from './errors.ts'
export { daemonEvents, type EventOrGap } from './events.ts'
export { type PropertyAnswer } from './parse.ts'
export { QREXEC_CLIENT } from './qrexec.ts'
export { QUBESD_SOCKET } from './socket.ts'
export { exactVersion, isManaged, listedVersion, VERSIONS } from './versions.ts'
export { type Transport } from './transport.ts'
