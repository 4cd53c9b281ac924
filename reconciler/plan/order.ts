/**
 * The order of changes on one qube. What a later step needs comes first: the kind of machine before what only that
 * kind has, the limit before the value, the stubdomain before what goes through it. Removals come before everything,
 * so that a device is free before it is assigned anew.
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

export function byOrder(
  a: { readonly path: string; readonly after: unknown },
  b: { readonly path: string; readonly after: unknown },
): number {
  return (
    phase(a) - phase(b) || rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  )
}

/** Whether a change takes something away: it is made before the record says so. */
export function isRemoval(change: { readonly after: unknown }): boolean {
  return change.after === null
}

const phase = (change: { readonly after: unknown }): number => (isRemoval(change) ? 0 : 1)

function rank(path: string): number {
  const index = FIRST.findIndex(
    (prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)),
  )
  return index === -1 ? FIRST.length : index
}
