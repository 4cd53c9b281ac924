import { stripVTControlCharacters } from 'node:util'

/** Columns on a terminal. Everything shown is printable ASCII or a sign one column wide. */
export const widthOf = (text: string): number => stripVTControlCharacters(text).length

/** Breaks text at spaces; `indent` goes before every line, and what a line has of its own stays. Words longer than a line stay whole. */
export function fold(text: string, width: number, indent: string): string {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    const words = paragraph.trimStart()
    const lead = indent + paragraph.slice(0, paragraph.length - words.length)
    let line = ''
    for (const word of words.split(' ')) {
      if (line !== '' && widthOf(line) + 1 + widthOf(word) > width - lead.length) {
        lines.push(lead + line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(lead + line)
  }
  return lines.join('\n')
}
