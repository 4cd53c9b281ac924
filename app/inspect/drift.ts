import { type Memory } from '../../agent/index.ts'
import { type Blocked, type Plan } from '../../reconciler/index.ts'
import { type Value } from '../../spec/index.ts'

/** A setting that differs from what qstate last set. */
export interface DriftedSetting {
  readonly qube: string
  readonly path: string
  readonly wanted: Value | null
  readonly found: Value | null
  /** When and how the agent noticed it, where it did. */
  readonly since?: string
  readonly noticed?: string
}

/** Drift that a plan would correct, with what an agent knows of it. */
export function driftIn({ qubes }: Plan, memory: Pick<Memory, 'drift'> | null): readonly DriftedSetting[] {
  return qubes.flatMap(({ qube, changes }) =>
    changes
      .filter(({ reason }) => reason === 'drift')
      .map(({ path, before, after }) => {
        const known = memory?.drift.find((one) => one.qube === qube && one.path === path)
        const noticed = known === undefined ? {} : { since: known.since, noticed: known.noticed }
        return { qube, path, wanted: after, found: before, ...noticed }
      }),
  )
}

/** What cannot be compared. */
export const blockedIn = ({ qubes }: Plan): readonly (Blocked & { readonly qube: string })[] =>
  qubes.flatMap(({ qube, blocked }) => blocked.map((entry) => ({ qube, ...entry })))
