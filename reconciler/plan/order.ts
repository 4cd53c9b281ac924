import { type Change } from './plan.ts'

/**
 * The order of changes on one qube. What a later step needs comes first: the kind of machine before what only that
 * kind has, the limit before the value, the stubdomain before what goes through it. Withdrawals come before everything, since
 * the record is written between them and the rest; then what is unset, so that a device is free before it is assigned anew.
 */
const FIRST: readonly string[] = [
  'qube/label',
  'qube/properties/template',
  'qube/virtMode',
  'qube/kernel',
  'qube/maxmem',
  'qube/memory',
  'qube/',
  'tags/',
  'audio/audiovm',
  'stubdom/',
  'audio/',
  'usb/denied/',
  'usb/',
  'slic/',
]

type Ordered = Pick<Change, 'path' | 'after' | 'reason'>

export function byOrder(a: Ordered, b: Ordered): number {
  return (
    phase(a) - phase(b) || rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  )
}

const phase = ({ reason, after }: Ordered): number => (reason === 'withdrawn' ? 0 : after === null ? 1 : 2)

function rank(path: string): number {
  const index = FIRST.findIndex(
    (prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)),
  )
  return index === -1 ? FIRST.length : index
}
