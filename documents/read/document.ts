import { type ValidateFunction } from 'ajv'
import { type Problem, problem, quote, type Result } from '../../spec/diagnostics/index.ts'
import { asWrittenNow } from './earlier.ts'
import { explain } from './explain.ts'
import { parseJson, type Revive } from './json.ts'

/** A kind of document, and how one is told from anything else. Made of its table. */
export interface Document<T> {
  readonly id: string
  readonly version: number
  readonly title: string
  readonly maxBytes: number
  readonly hint: string
  readonly validate: ValidateFunction<T>
}

type Failed = Extract<Result<unknown>, { readonly ok: false }>

/** A document as it is stored: what it is, then what it says. `indent`: for files that people look into. */
export const documentText = (
  { id, version }: Pick<Document<unknown>, 'id' | 'version'>,
  content: object,
  indent?: number,
): string => JSON.stringify({ schema: id, version, ...content }, null, indent)

/** The document in a text. `where`: whatever names it for people, a path or a key. `revive`: see `parseJson`. */
export function readDocument<T>(
  document: Document<T>,
  text: string,
  where: string,
  revive?: Revive,
): Result<T> {
  const parsed = parseJson(text, document.maxBytes, revive)
  return 'fault' in parsed
    ? damagedDocument(document, where, parsed.fault)
    : checkDocument(document, parsed.json, where)
}

/** The document that a JSON value is. */
export function checkDocument<T>(document: Document<T>, json: unknown, where: string): Result<T> {
  const { id, version, title, hint, validate } = document
  const said = saidBy(json)
  if (typeof said.schema === 'string' && said.schema !== id) {
    const what = `${where} is no ${title}: it says that it is ${quote(said.schema)}, and not ${quote(id)}`
    return failed(problem('document-foreign', what, hint))
  }
  if (typeof said.version === 'number' && said.version > version) {
    const what = `${where} was written by a newer qstate: its version is ${said.version}, and this one reads ${version}`
    return failed(problem('document-future', what, 'use the newest qstate everywhere'))
  }
  const now = asWrittenNow(id, json)
  if (validate(now)) return { ok: true, value: now }
  return damagedDocument(document, where, explain(validate.errors ?? []))
}

/** What it says of itself, before anything else of it is believed. */
function saidBy(json: unknown): { readonly schema?: unknown; readonly version?: unknown } {
  return typeof json === 'object' && json !== null ? json : {}
}

/** What stands there is none, for a reason that is known before it is read. */
export const damagedDocument = (
  { hint }: Pick<Document<unknown>, 'hint'>,
  where: string,
  fault: string,
): Failed => failed(problem('document-damaged', `${where} is damaged: ${fault}`, hint))

const failed = (cause: Problem): Failed => ({ ok: false, problem: cause })
