import { type WrittenNode } from './value.ts'

/** Columns that written lines keep to. */
export const WIDTH = 100

const isEmpty = (node: WrittenNode): boolean =>
  typeof node !== 'string' && ('map' in node ? node.map.length === 0 : node.list.length === 0)

/** `key: value`, on one line where that is short enough to be read at a glance. */
export function writeEntry(key: string, node: WrittenNode, indent: number): readonly string[] {
  const margin = ' '.repeat(indent)
  const line = `${margin}${key}: ${onOneLine(node)}`
  if (typeof node === 'string' || isEmpty(node) || line.length <= WIDTH) return [line]
  if ('list' in node) return [`${margin}${key}:`, ...node.list.map((item) => `${margin}  - ${item}`)]
  const inner = node.map.flatMap(([name, value]) => writeEntry(name, value, indent + 2))
  return [`${margin}${key}:`, ...inner]
}

export function onOneLine(node: WrittenNode): string {
  if (typeof node === 'string') return node
  if ('list' in node) return `[${node.list.join(', ')}]`
  if (node.map.length === 0) return '{}'
  return `{ ${node.map.map(([key, value]) => `${key}: ${onOneLine(value)}`).join(', ')} }`
}

/** A comment, broken at spaces; lines after the first are set in. Whatever its text holds, nothing ends it. */
export function writeComment(text: string, indent: number): readonly string[] {
  const margin = ' '.repeat(indent)
  const lines: string[] = []
  let line = `${margin}#`
  for (const word of ascii(text).split(' ')) {
    const first = lines.length === 0 && line === `${margin}#`
    if (!first && line.length + 1 + word.length > WIDTH && line.trim() !== '#') {
      lines.push(line)
      line = `${margin}#   ${word}`
    } else line = `${line} ${word}`
  }
  return [...lines, line]
}

/** Our own typography in plain letters; anything else that is not printable, escaped. */
const ascii = (text: string): string =>
  text
    .replace(/[\u201c\u201d]/g, '"')
    .replaceAll('\u2019', "'")
    .replaceAll('\u2026', '...')
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Names in the order that a reader expects: win7 before win10. */
export function inReadingOrder(a: string, b: string): number {
  return COLLATOR.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}

const COLLATOR = new Intl.Collator('en', { numeric: true })
