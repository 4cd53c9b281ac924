/**
 * USB devices: identity, assignment and attachment.
 */
export {
  attachedDevices,
  attachedTo,
  connectDevice,
  deviceAt,
  disconnectDevice,
  exposed,
  type UsbDevice,
} from './devices.ts'
export { parseAssignment, parseDeviceName, printAssignment, printExposed } from './serial.ts'
export {
  assign,
  attach,
  attachAssigned,
  attachments,
  detach,
  deviceNamed,
  missingRequired,
  printOptions,
  refuseDenied,
  setMode,
  unassign,
} from './usb.ts'
