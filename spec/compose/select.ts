import { createHash } from 'node:crypto'
import { type Match } from '../read/index.ts'
import { type HostFacts, UNNAMED_DISPOSABLE } from '../vocabulary/index.ts'

type HostQube = HostFacts['qubes'][number]

/** True for a qube that meets all conditions. The host itself is no qube. */
export function matches({ tag, name, klass }: Match, qube: HostQube): boolean {
  if (qube.name === 'dom0' || qube.klass === 'AdminVM') return false
  if (klass === null && name !== qube.name && comesAndGoes(qube)) return false
  return (
    (tag === null || qube.tags.has(tag)) &&
    (klass === null || qube.klass === klass) &&
    (name === null || globMatches(name, qube.name))
  )
}

/**
 * A disposable for one use has the tags of its template and is gone when it is shut down, one that is kept ready as well; a
 * remote qube has its settings elsewhere. They are meant where their class or whole name is said.
 */
export const comesAndGoes = ({ name, klass }: Pick<HostQube, 'name' | 'klass'>): boolean =>
  klass === 'RemoteVM' || (klass === 'DispVM' && UNNAMED_DISPOSABLE.test(name))

/**
 * `*` stands for any text, `?` for one character. Not a regular expression: many stars in one would take exponential
 * time. Only the last star is ever tried again.
 */
export function globMatches(glob: string, text: string): boolean {
  let [g, t, star, starText] = [0, 0, -1, 0]
  while (t < text.length) {
    if (glob[g] === '*') [star, starText, g] = [g, t, g + 1]
    else if (glob[g] === '?' || (g < glob.length && glob[g] === text[t])) [g, t] = [g + 1, t + 1]
    else if (star >= 0) {
      starText += 1
      g = star + 1
      t = starText
    } else return false
  }
  return /^\**$/.test(glob.slice(g))
}

const digests = new WeakMap<Match, string>()

/** SHA-256: equal conditions have equal digests, wherever they are written. */
export function matchDigest(match: Match): string {
  const known = digests.get(match)
  if (known !== undefined) return known
  const { tag, name, klass } = match
  const digest = createHash('sha256')
    .update(JSON.stringify([tag, name, klass]))
    .digest('hex')
  digests.set(match, digest)
  return digest
}
