/**
 * USB devices: identity, assignment and attachment.
 */
export { attachedTo, disconnectDevice, exposed, printDevice } from './devices.ts'
export { parseAssignment, parseDeviceName, printAssignment, printExposed } from './serial.ts'
export {
  assign,
  attach,
  attachAssigned,
  attachments,
  detach,
  deviceNamed,
  missingRequired,
  refuseDenied,
  setMode,
  unassign,
} from './usb.ts'
