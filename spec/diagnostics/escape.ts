interface EscapeOptions {
  /** No more characters than this come out; a text that was cut ends with `…`. */
  readonly max?: number
  /** Line breaks stay. */
  readonly newlines?: boolean
}

/**
 * Text of somebody else's, as a terminal, a log or a message may show it. What moves the cursor, cannot be seen, or turns
 * the direction of writing is shown by its number, `\u{202e}`. Letters that are written from right to left are shown so,
 * too: a terminal would show the line that they stand in, and what it says next, in another order. The same text escaped
 * twice is the same as escaped once.
 */
export function escapeForTerminal(text: string, { max, newlines = false }: EscapeOptions = {}): string {
  if (PLAIN.test(text) && text.length <= (max ?? text.length)) return text
  const shown = Array.from(text, (character) =>
    isShowable(character) || (newlines && character === '\n') ? character : numberOf(character),
  )
  if (max === undefined) return shown.join('')
  let length = 0
  const fits = shown.findIndex((part) => (length += part.length) > max)
  return fits === -1 ? shown.join('') : cut(shown, max)
}

/** Whether a character can stand in a line as it is, and be seen there. */
export const isShowable = (character: string): boolean =>
  !UNSEEN.test(character) && !RIGHT_TO_LEFT.test(character)

function cut(shown: readonly string[], max: number): string {
  let text = ''
  for (const part of shown) {
    if (text.length + part.length > max - 1) break
    text += part
  }
  return `${text}…`
}

const numberOf = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** By far most texts. */
const PLAIN = /^[\x20-\x7e]*$/

/** Controls, formats, halves of characters, characters of no meaning; spaces but the one; what takes no room at all. */
const UNSEEN = /^(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}\p{DI}\u2800]$/u

/** Hebrew, Arabic, Syriac and the like, with their presentation forms and numbers. */
const RIGHT_TO_LEFT = /^[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]$/u
