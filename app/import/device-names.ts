/** Words that mean something else where a device's name may stand. */
const RESERVED: ReadonlySet<string> = new Set([
  'denied',
  'off',
  'inherit',
  'unmanaged',
  'auto-attach',
  'ask-to-attach',
  'required',
])

/** A name for a device, made of its own words; `taken` grows by it. */
export function uniqueName(description: string, taken: Set<string>): string {
  const words = description
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '')
  const base = words === '' || RESERVED.has(words) ? 'device' : words
  let name = base
  for (let n = 2; taken.has(name); n += 1) name = `${base}-${n}`
  taken.add(name)
  return name
}
