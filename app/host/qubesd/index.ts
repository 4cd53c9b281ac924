/**
 * The Host port on a qubesd: calls, readings, and the errors that they end in.
 */
export { noSuchProperty } from './failures.ts'
export { qubesHost } from './qubesd-host.ts'
