import { HOST_SLIC } from '../read/index.ts'
import {
  FORMS,
  NUMBER_LIKE,
  OFF,
  type Setting,
  SETTING_BY_PATH,
  TRUTH_LIKE,
  type Value,
} from '../vocabulary/index.ts'

/** What stands for a value in a manifest: one scalar, a map, or a list. */
export type WrittenNode =
  | string
  | { readonly map: readonly (readonly [string, WrittenNode])[] }
  | { readonly list: readonly string[] }

const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/
const NULL_LIKE = /^(?:null|nan)$/i

/** Text as a scalar that every YAML reader, of whatever version, takes for this text. */
export function scalar(text: string): string {
  const plain = PLAIN.test(text) && !TRUTH_LIKE.test(text) && !NULL_LIKE.test(text) && !NUMBER_LIKE.test(text)
  return plain ? text : quoted(text)
}

/** Between double quotes, on one line whatever it holds: JSON's escapes are YAML's, too. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** How a person would write the value of a path. Whether a manifest takes it is for its readers to say. */
export function writeValue(path: string, value: Value): WrittenNode {
  if (typeof value === 'object') return 'mode' in value ? value.mode : writeTables(value)
  const setting = SETTING_BY_PATH.get(path)
  if (setting !== undefined) return writeSetting(setting, value)
  const isFeature = path.startsWith('qube/features/')
  if (typeof value !== 'string') return String(value)
  if (value === '') return isFeature ? OFF : '""'
  if (isFeature && value === '1') return 'true'
  if (!isFeature && (value === 'True' || value === 'False')) return value.toLowerCase()
  return isNumber(value) ? value : literal(value)
}

function writeSetting(setting: Setting, value: string | number | boolean): WrittenNode {
  const { type, store, off, name } = setting
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return !value && store === 'feature' ? OFF : String(value)
  if (value === '') return off === '' ? OFF : '""'
  if (type.kind === 'bool' && value === '1') return 'true'
  if (name === 'timezone' && isNumber(value)) return value
  return type.kind === 'text' ? literal(value) : scalar(value)
}

/** A text that is a word of ours is written so that it is not taken for the word. */
const literal = (text: string): WrittenNode =>
  FORMS.includes(text) ? { map: [['value', quoted(text)]] } : scalar(text)

const isNumber = (text: string): boolean => /^-?[0-9]{1,15}$/.test(text) && String(Number(text)) === text

function writeTables(tables: readonly string[]): WrittenNode {
  if (tables.length === 0) return OFF
  return tables.length === 1 && tables[0] === HOST_SLIC ? 'host' : { map: [['tables', { list: tables }]] }
}
