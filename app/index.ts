/**
 * Use cases: values in, values out. Nothing here knows a flag, a terminal or the layout of a text. This index has what all of them
 * share; each folder has a door of its own.
 */
export { type Context, type Progress, type TracedCall } from './context.ts'
export { writeOutputFile } from './output-file.ts'
