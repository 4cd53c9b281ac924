import { OFFERS, withdrawsOffer } from './offers.ts'
import { type Change } from './plan.ts'

/**
 * The order of changes on one qube. What a later step needs comes first: what makes the qube of use before a value that may name
 * this very qube, the kind of machine before what only that kind has, the limit before the value, the stubdomain before what goes through it. Withdrawals come before everything, since
 * the record is written between them and the rest; then what is unset, so that a device is free before it is assigned anew.
 */
const FIRST: readonly string[] = [
  'qube/label',
  'qube/properties/template',
  ...OFFERS,
  'qube/virtMode',
  'qube/kernel',
  'qube/maxmem',
  'qube/memory',
  'qube/',
  // It asks for features of the qube: that it has qrexec, and services.
  'qube/features/preload-dispvm-max',
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
  return phase(a) - phase(b) || rank(a) - rank(b) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
}

const phase = ({ reason, after }: Ordered): number => (reason === 'withdrawn' ? 0 : after === null ? 1 : 2)

/** By the longest of the prefixes that fit. */
function rank(change: Ordered): number {
  if (withdrawsOffer(change)) return FIRST.length
  const { path } = change
  const found = PREFIXES.find(
    (prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)),
  )
  return found === undefined ? FIRST.length : FIRST.indexOf(found)
}

const PREFIXES = [...FIRST].sort((a, b) => b.length - a.length)
