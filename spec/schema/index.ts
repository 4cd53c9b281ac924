/**
 * The JSON Schema of a spec, for editors, and the check of a document against its schema.
 */
export { checkSchema, type Contract, contractOf } from './check-schema.ts'
export { drift } from './drift-schema.ts'
export { duration, mapOf, named, object, type Schema, servers, text, union, words } from './schema-parts.ts'
export { manifestSchema } from './manifest-schema.ts'
