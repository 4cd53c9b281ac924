export {
  attachPersistent,
  attachPort,
  detachPort,
  printAttached,
  printAvailable,
  setPersistent,
} from './usb-legacy.ts'
