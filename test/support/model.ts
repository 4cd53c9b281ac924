import { meaningOfValue } from './settings.ts'
import { type Wanted } from './spec.ts'

/**
 * What qstate promises of ownership, as a small model: it knows what each setting means on the host and what qstate
 * set, and says what an apply has to leave. Written from the promises, not from the code.
 */
export interface Model {
  /** `QUBE PATH` to what is there; what is not here is absent. */
  readonly live: Map<string, string>
  /** By qube, then path: what qstate last set; `null` is "wanted absent". */
  readonly owned: Map<string, Map<string, string | null>>
}

export const newModel = (): Model => ({ live: new Map(), owned: new Map() })

export function setLive(model: Model, qube: string, path: string, meaning: string | null): void {
  if (meaning === null) model.live.delete(`${qube} ${path}`)
  else model.live.set(`${qube} ${path}`, meaning)
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
  const before = model.owned.get(qube) ?? new Map<string, string | null>()
  const owned = new Map<string, string | null>()
  const liveOf = (path: string): string | null => model.live.get(`${qube} ${path}`) ?? null
  const isOurs = (path: string): boolean => before.has(path) && before.get(path) === liveOf(path)
  const change = (path: string, to: string | null): void => {
    setLive(model, qube, path, to)
    changed.push(`${qube} ${path}`)
  }
  for (const [path, value] of Object.entries(wanted)) {
    const meaning = meaningOfValue(path, value)
    owned.set(path, meaning)
    if (liveOf(path) === meaning) continue
    change(path, meaning)
  }
  for (const path of before.keys()) {
    if (path in wanted || before.get(path) === null || liveOf(path) === null) continue
    if (isOurs(path)) change(path, null)
  }
  if (owned.size === 0) model.owned.delete(qube)
  else model.owned.set(qube, owned)
  return changed
}
