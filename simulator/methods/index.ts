/**
 * The Admin API methods, by subject.
 */
export { DEVICE_METHODS, OTHER_DEVICE_METHODS } from './devices.ts'
export { keepReady } from './disposables.ts'
export { halt } from './lifecycle.ts'
export { isWrite, type Method, type MethodCall } from './method.ts'
export { PROPERTY_METHODS } from './properties.ts'
export { QUBE_METHODS } from './qubes.ts'
export { VOLUME_METHODS } from './volumes.ts'
