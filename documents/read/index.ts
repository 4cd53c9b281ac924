/**
 * Text to document: size and depth, then JSON, then which kind and version, what earlier versions wrote, and at last the schema.
 */
export { checkDocument, damagedDocument, type Document, documentText, readDocument } from './document.ts'
export { readBounded, readBytes, readFileDocument } from './file.ts'
export { type Parsed, parseJson } from './json.ts'
export { parseBytes } from './packed.ts'
