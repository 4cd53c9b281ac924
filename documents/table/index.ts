/**
 * How a document is written down, in TypeBox. Run at build time only: what ships loads the types alone.
 */
export * from './parts.ts'
export * from './table.ts'
