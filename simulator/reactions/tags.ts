import { fire, type Host, type Qube, unhandled } from '../host/index.ts'

export function addTag(host: Host, qube: Qube, tag: string): void {
  if (!/^[a-zA-Z0-9_-]*$/.test(tag)) throw unhandled('invalid character in tag')
  if (qube.tags.has(tag)) return
  qube.tags.add(tag)
  fire(host, qube, `domain-tag-add:${tag}`, { tag })
}

/** False if the qube does not have the tag. */
export function removeTag(host: Host, qube: Qube, tag: string): boolean {
  if (!qube.tags.delete(tag)) return false
  fire(host, qube, `domain-tag-delete:${tag}`, { tag })
  return true
}

/** A qube carries one tag of a kind such as `audiovm-`: that of the qube that serves it. */
export function replaceTag(host: Host, qube: Qube, prefix: string, name: string | null): void {
  for (const tag of [...qube.tags]) if (tag.startsWith(prefix)) removeTag(host, qube, tag)
  if (name !== null) addTag(host, qube, prefix + name)
}
