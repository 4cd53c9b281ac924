import { type ErrorObject } from 'ajv'
import { escapeForTerminal, oneOf, quote } from '../../spec/diagnostics/index.ts'

/** Where a document is not of its shape, and what is expected there. A validator ends at the first fault; a union has one of each branch. */
export function explain(faults: readonly ErrorObject[]): string {
  const inside = faults.filter(({ keyword }) => !UNIONS.has(keyword))
  // The branch that came furthest is the one that was meant.
  const depth = Math.max(...inside.map(depthOf))
  const deepest = inside.filter((fault) => depthOf(fault) === depth)
  const place = deepest[0]?.instancePath ?? ''
  const expected = [...new Set(deepest.map(expectedBy))]
  return `${place === '' ? 'at its top' : `at ${shown(place)}`}, expected ${oneOf(expected)}`
}

const UNIONS: ReadonlySet<string> = new Set(['anyOf', 'propertyNames'])

const depthOf = ({ instancePath }: ErrorObject): number => instancePath.split('/').length

function expectedBy({ keyword, params }: ErrorObject): string {
  const { type, missingProperty, allowedValue, allowedValues, pattern, limit } = params as Limits
  switch (keyword) {
    case 'type':
      return type === undefined ? 'another type' : oneOf([type].flat().map((one) => TYPES[one] ?? one))
    case 'required':
      return `the key ${quote(missingProperty ?? '')}`
    case 'const':
      return JSON.stringify(allowedValue)
    case 'enum':
      return oneOf((allowedValues ?? []).map((one) => JSON.stringify(one)))
    case 'pattern':
      return `text that matches ${pattern ?? ''}`
    case 'minimum':
      return `at least ${limit ?? 0}`
    case 'maximum':
    case 'maxItems':
    case 'maxLength':
      return `no more than ${limit ?? 0}${UNITS[keyword] ?? ''}`
    default:
      return 'something else'
  }
}

interface Limits {
  readonly type?: string | readonly string[]
  readonly missingProperty?: string
  readonly allowedValue?: unknown
  readonly allowedValues?: readonly unknown[]
  readonly pattern?: string
  readonly limit?: number
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
}

const UNITS: Readonly<Record<string, string>> = { maxItems: ' entries', maxLength: ' characters' }

/** A JSON Pointer; keys in it are whatever stood in the document. */
const shown = (pointer: string): string =>
  escapeForTerminal(pointer.length > 200 ? `…${pointer.slice(-200)}` : pointer)
