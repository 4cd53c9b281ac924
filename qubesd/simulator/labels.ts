import { Failure, unhandled } from './failure.ts'
import { parsePythonInt } from './python.ts'

/** The eight labels every host has, by number, from 1. */
export const LABELS: readonly { readonly name: string; readonly color: string }[] = [
  { name: 'red', color: '0xcc0000' },
  { name: 'orange', color: '0xf57900' },
  { name: 'yellow', color: '0xedd400' },
  { name: 'green', color: '0x73d216' },
  { name: 'gray', color: '0x555555' },
  { name: 'blue', color: '0x3465a4' },
  { name: 'purple', color: '0x75507b' },
  { name: 'black', color: '0x000000' },
]

/** A label's number, by its name or by the number as text. */
export function labelNumber(text: string): number | undefined {
  const byName = LABELS.findIndex((label) => label.name === text) + 1
  if (byName > 0) return byName
  const number = Number(parsePythonInt(text) ?? 0)
  return number >= 1 && number <= LABELS.length ? number : undefined
}

export function labelName(text: string): string {
  const number = labelNumber(text)
  if (number === undefined) throw new Failure('QubesLabelNotFoundError', `Label does not exist: ${text}`)
  return LABELS[number - 1]?.name ?? ''
}

/** As a property takes it: qubes.xml refers to a label as `label-3`, and so may a client. */
export function labelFromProperty(text: string): string {
  if (!text.startsWith('label-')) return labelName(text)
  const number = parsePythonInt(text.slice('label-'.length))
  const label = LABELS[Number(number ?? 0) - 1]
  if (label === undefined) throw unhandled(`no label number in ${text}`)
  return label.name
}
