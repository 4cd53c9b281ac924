import { type Memory } from '../../agent/index.ts'
import { type Blocked, driftLeft, type Plan } from '../../reconciler/index.ts'
import { type Value } from '../../spec/index.ts'

/** A setting that differs from what qstate last set. */
export interface DriftedSetting {
  readonly qube: string
  readonly path: string
  readonly wanted: Value | null
  readonly found: Value | null
  /** Why an apply leaves it, where it does. */
  readonly why?: string
  /** When and how the agent noticed it, where it did. */
  readonly since?: string
  readonly noticed?: string
}

/** Drift as a plan finds it, with what an agent knows of it: what an apply corrects, and what it leaves. */
export function driftIn({ qubes }: Plan, memory: Pick<Memory, 'drift'> | null): readonly DriftedSetting[] {
  return qubes.flatMap((plan) => {
    const { qube, changes } = plan
    const changed = changes
      .filter(({ reason }) => reason === 'drift')
      .map(({ path, before, after }) => ({ path, wanted: after, found: before }))
    const left = driftLeft(plan).map(({ path, value, wanted, why }) => ({ path, wanted, found: value, why }))
    return [...changed, ...left].map((one) => {
      const known = memory?.drift.find(({ qube: of, path }) => of === qube && path === one.path)
      const noticed = known === undefined ? {} : { since: known.since, noticed: known.noticed }
      return { qube, ...one, ...noticed }
    })
  })
}

/** What cannot be compared. */
export const blockedIn = ({ qubes }: Plan): readonly (Blocked & { readonly qube: string })[] =>
  qubes.flatMap(({ qube, blocked }) => blocked.map((entry) => ({ qube, ...entry })))
