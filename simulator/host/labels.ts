import { Failure, permissionDenied, unhandled, valueError } from './failure.ts'
import { ascii, parsePythonInt, repr } from './python.ts'
import { BEHAVIOUR, type SimulatedVersion } from './release.ts'

export interface Label {
  readonly name: string
  readonly color: string
}

/** The labels of a host, in the order of their numbers, from 1. */
type Labels = readonly Label[]

/** Those that every host has. */
export const LABELS: Labels = [
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
export function labelNumber(labels: Labels, text: string): number | undefined {
  const byName = labels.findIndex((label) => label.name === text) + 1
  if (byName > 0) return byName
  const number = Number(parsePythonInt(text) ?? 0)
  return number >= 1 && number <= labels.length ? number : undefined
}

export function labelName(labels: Labels, text: string): string {
  const number = labelNumber(labels, text)
  if (number === undefined) throw new Failure('QubesLabelNotFoundError', `Label does not exist: ${text}`)
  return labels[number - 1]?.name ?? ''
}

/** As a property takes it: qubes.xml refers to a label as `label-3`, and so may a client. */
export function labelFromProperty(labels: Labels, text: string): string {
  if (!text.startsWith('label-')) return labelName(labels, text)
  const number = parsePythonInt(text.slice('label-'.length))
  const label = labels[Number(number ?? 0) - 1]
  if (label === undefined) throw unhandled(`no label number in ${text}`)
  return label.name
}

/** What may be the name of a new label, or follow `label=` where a qube is created. */
export function checkLabelName(name: string, release: SimulatedVersion): void {
  const safe = /^[a-zA-Z0-9\-_.]*$/.test(name)
  const number = /^[0-9]+$/.test(name)
  if (!BEHAVIOUR[release].validatesRequests) {
    if (!safe || number) throw permissionDenied('')
    return
  }
  if (name === '') throw new Failure('QubesInvalidLabelError', 'Label name must be set')
  if (number) throw new Failure('QubesInvalidLabelError', 'Label must not be a digit')
  const chars = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.'
  if (!safe) throw new Failure('QubesInvalidLabelError', `Label must be in safe set: ${chars}`)
}

export function createLabel(labels: Label[], release: SimulatedVersion, name: string, payload: Buffer): void {
  const strict = BEHAVIOUR[release].validatesRequests
  checkLabelName(name, release)
  const color = ascii(payload)?.trim()
  const exists = labelNumber(labels, name) !== undefined
  if (exists && !strict) throw valueError('label already exists')
  if (color === undefined || !/^0x[0-9a-fA-F]{6}$/.test(color)) throw badColor(color, strict)
  if (exists) throw new Failure('QubesLabelInUseError', `Label is still in use: ${repr(name)}`)
  labels.push({ name, color })
}

function badColor(color: string | undefined, strict: boolean): Failure {
  if (!strict) return color === undefined ? unhandled('not ASCII') : permissionDenied('')
  const wrong = (what: string): Failure =>
    new Failure('QubesInvalidLabelValueError', `Label value must ${what}`)
  if (color === undefined) return wrong('be encoded in ASCII')
  if (color === '') return wrong('be set')
  if (color.length !== 8) return wrong('have length of 8')
  if (!color.startsWith('0x')) return wrong('start with: 0x')
  return wrong('only contain hexadecimal digits after prefix: 0123456789abcdefABCDEF')
}
