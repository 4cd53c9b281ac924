/** No document of ours is nested that deep; what works through one may take a step of the stack for each level. */
const MAX_DEPTH = 32

/** Called for each text in a document, for what is to stand in its place. */
export type Revive = (text: string, key: string) => string

export type Parsed = { readonly json: unknown } | { readonly fault: string }

/** The JSON in a text. Size and depth are known before anything is made of it. */
export function parseJson(text: string, maxBytes: number, revive?: Revive): Parsed {
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) return tooLarge(maxBytes)
  if (isTooDeep(text)) return { fault: `it is nested deeper than ${MAX_DEPTH} levels` }
  try {
    const json: unknown =
      revive === undefined
        ? JSON.parse(text)
        : JSON.parse(text, (key, value: unknown) => (typeof value === 'string' ? revive(value, key) : value))
    return { json }
  } catch {
    return { fault: 'it is not JSON' }
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === BRACKET || code === BRACE) depth += 1
    else if (code === BRACKET_END || code === BRACE_END) depth -= 1
    if (depth > MAX_DEPTH) return true
  }
  return false
}

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

/** Where the string that begins there ends. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH) at += 1
  }
  return text.length
}

export const tooLarge = (maxBytes: number): { readonly fault: string } => ({
  fault: `it is larger than ${maxBytes < MIB ? `${maxBytes / 1024} KiB` : `${maxBytes / MIB} MiB`}`,
})

const MIB = 1024 * 1024
