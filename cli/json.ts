import { isShowable } from '../spec/diagnostics/index.ts'

/** A value as a command prints it with `--json`. What a terminal would act on stands as `\u` and its number: the value is the same. */
export const jsonText = (value: unknown): string => `${escapeJson(JSON.stringify(value, null, 2))}\n`

/** The same of JSON that has been written already, such as a line of a log. */
export const escapeJson = (json: string): string => json.replace(UNUSUAL, shown)

/** Line breaks that are left in JSON are between values. */
const UNUSUAL = /[^\x20-\x7e\n]/gu

const shown = (character: string): string =>
  isShowable(character) ? character : character.split('').map(escapeUnit).join('')

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
