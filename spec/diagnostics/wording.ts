import { escapeForTerminal } from './escape.ts'
import { type SourceRange } from './source.ts'

/** How messages speak of text that somebody else wrote: quoted, bounded, and with nothing a terminal would act on. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `"${escapeForTerminal(short.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n'))}"`
}

/** `2026-11-30 15:48 UTC`, of a time in ISO 8601. */
export const utcMinute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`

/** `a, b or c` */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
}

/** `file:line:column` */
export const formatRange = ({ file, line, column }: SourceRange): string =>
  `${escapeForTerminal(file)}:${line}:${column}`

/** The nearest of the words, if it is near enough for a slip of the finger. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const all = [...words]
  // Among very many words chance finds a near one, and looking for it takes time.
  if (word.length > 64 || all.length > 256) return undefined
  const limit = Math.max(1, Math.min(3, Math.floor(word.length / 3)))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of all) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  if (best !== undefined || word.length < 3) return best
  const longer = all.filter((candidate) => candidate.startsWith(word))
  return longer.length === 1 ? longer[0] : undefined
}

/** `did you mean "x"?`, or else the whole list where it is short enough to read. */
export function suggest(word: string, words: readonly string[], none: string): string {
  const near = nearest(word, words)
  if (near !== undefined) return `did you mean ${quote(near)}?`
  if (words.length === 0) return none
  return words.length <= 16 ? `expected ${oneOf([...words].sort())}` : none
}

/** Damerau-Levenshtein distance: insertions, deletions, replacements, swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      next.push(cost)
    }
    beforeLast = last
    last = next
  }
  return last[b.length] ?? 0
}
