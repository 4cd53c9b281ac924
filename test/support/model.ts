import { meaningOf, meaningOfValue, textOfValue } from './settings.ts'
import { type Wanted } from './spec.ts'

/**
 * What qstate promises of ownership, as a small model: it knows what each setting is on the host, what qstate set, and what
 * was there before, and says what an apply has to leave. Written from the promises, not from the code.
 */
export interface Model {
  /** `QUBE PATH` to the text that is there; what is not here is absent. */
  readonly live: Map<string, string>
  /** By qube, then path. */
  readonly owned: Map<string, Map<string, Owned>>
}

interface Owned {
  /** What qstate last set, as a meaning; `null` is "wanted absent". */
  readonly last: string | null
  /** The text that was there when qstate took the setting. */
  readonly original: string | null
}

export const newModel = (): Model => ({ live: new Map(), owned: new Map() })

export function setLive(model: Model, qube: string, path: string, text: string | null): void {
  if (text === null) model.live.delete(`${qube} ${path}`)
  else model.live.set(`${qube} ${path}`, text)
}

/** An apply that nothing disturbs. Returns the `QUBE PATH` of every setting that it changes. */
export function applyToModel(model: Model, wanted: Wanted): readonly string[] {
  const changed: string[] = []
  for (const qube of new Set([...Object.keys(wanted), ...model.owned.keys()])) {
    changed.push(...applyToQube(model, qube, wanted[qube] ?? {}))
  }
  return changed
}

function applyToQube(model: Model, qube: string, wanted: Wanted[string]): readonly string[] {
  const changed: string[] = []
  const before = model.owned.get(qube) ?? new Map<string, Owned>()
  const owned = new Map<string, Owned>()
  const liveOf = (path: string): string | null => model.live.get(`${qube} ${path}`) ?? null
  const isOurs = (path: string): boolean => before.get(path)?.last === meaningOf(path, liveOf(path))
  const change = (path: string, to: string | null): void => {
    setLive(model, qube, path, to)
    changed.push(`${qube} ${path}`)
  }
  for (const [path, value] of Object.entries(wanted)) {
    const meaning = meaningOfValue(path, value)
    const isRight = meaningOf(path, liveOf(path)) === meaning
    const known = before.get(path)
    // What the spec follows is somebody else's; and nobody else makes templates with tables.
    const original = known === undefined || (isRight && !isOurs(path)) ? liveOf(path) : known.original
    owned.set(path, { last: meaning, original: path === 'slic/tables' ? null : original })
    if (!isRight) change(path, textOfValue(path, value))
  }
  for (const [path, { original }] of before) {
    if (path in wanted || liveOf(path) === original) continue
    if (isOurs(path)) change(path, original)
  }
  if (owned.size === 0) model.owned.delete(qube)
  else model.owned.set(qube, owned)
  return changed
}
