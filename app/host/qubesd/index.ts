/**
 * The Host port on a qubesd: calls, readings, and the errors that they end in.
 */
export { noSuchProperty } from './failures.ts'
export { readAllProperties, readProperties, type ToldProperty } from './properties.ts'
export { qubesHost } from './qubesd-host.ts'
export { observe } from './reading.ts'
