/**
 * Every JSON document that is stored or exchanged: one table each, from which its JSON Schema (`qstate schema`), its parser and its
 * TypeScript type are made. A file or a store may have been written by anyone: nothing in it is believed beyond its schema. What the
 * values mean is for the readers.
 *
 * `read/` reads any of them; `host/`, `agent/` and `fleet/` hold the documents, each with a door of its own: a command loads the
 * parsers that it needs.
 */
/** JSON Schemas by name. Loaded where one is printed. */
export const documentSchemas = async (): Promise<Readonly<Record<string, object>>> =>
  (await import('./json-schemas.ts')).jsonSchemas
