import { type WrittenNode } from './write-value.ts'

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

/** A comment, broken at spaces; lines after the first are set in. Its text is printable and has no line ends. */
export function writeComment(text: string, indent: number): readonly string[] {
  const margin = ' '.repeat(indent)
  const lines: string[] = []
  let line = `${margin}#`
  for (const word of text.split(' ')) {
    const first = lines.length === 0 && line === `${margin}#`
    if (!first && line.length + 1 + word.length > WIDTH && line.trim() !== '#') {
      lines.push(line)
      line = `${margin}#   ${word}`
    } else line = `${line} ${word}`
  }
  return [...lines, line]
}

/** Names in the order that a reader expects: win7 before win10. */
export function inReadingOrder(a: string, b: string): number {
  return COLLATOR.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}

const COLLATOR = new Intl.Collator('en', { numeric: true })
