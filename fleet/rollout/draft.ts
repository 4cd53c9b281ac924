import {
  type HostReport,
  type HostState,
  type RolloutState,
  type Stage,
} from '../../documents/fleet/index.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'

/** What a controller has seen of a host. */
export interface Heard {
  readonly report: HostReport
  /** How long nothing new was heard, by the controller's own clock; from its beginning, where it has heard nothing itself. */
  readonly silentMs: number
  /** For how long its owner has held it, as far as this controller has heard; 0 where it is free. */
  readonly heldMs: number
}

export type Observation = ReadonlyMap<string, Heard>

/** A state in the making, within one step. */
export interface Draft {
  readonly before: RolloutState
  readonly hosts: Record<string, HostState>
  readonly seen: Observation
  readonly clockMs: number
  /** Orders to take back, by host. */
  readonly recalls: string[]
  /** Why no host can ever take this revision. */
  hopeless: Problem | null
}

const silenceOf = ({ seen }: Draft, name: string): number => seen.get(name)?.silentMs ?? Infinity

export const isAway = (draft: Draft, name: string): boolean =>
  silenceOf(draft, name) > draft.before.away.afterMs

const heldBy = ({ seen }: Draft, name: string): string | null => seen.get(name)?.report.held ?? null

/** Whether it would begin with an order now. */
export const isFree = (draft: Draft, name: string): boolean =>
  !isAway(draft, name) && heldBy(draft, name) === null

/** Why a host is not waited for any longer where those that are away are not; null: it is. */
export function absence(draft: Draft, name: string): Problem | null {
  if (isAway(draft, name)) return problem('away', 'away when its turn came', SEE)
  const heldMs = draft.seen.get(name)?.heldMs ?? 0
  const isLong = heldMs > draft.before.away.afterMs
  return isLong ? problem('host-held', `held when its turn came: ${heldBy(draft, name) ?? ''}`, SEE) : null
}

/** Where to look further. */
export const SEE = '`qstate fleet status` says how it is'

/** Whether any host has shown that the revision works. */
export const isProven = ({ hosts }: Pick<Draft, 'hosts'>): boolean =>
  Object.values(hosts).some(({ stage }) => stage === 'passed')

export function move(
  draft: Draft,
  name: string,
  stage: Stage,
  more: Partial<Pick<HostState, 'turn' | 'look' | 'given' | 'before' | 'why' | 'problem'>> = {},
): void {
  const host = draft.hosts[name]
  if (host === undefined) return
  const since = host.stage === stage ? host.since : draft.clockMs
  draft.hosts[name] = { ...host, look: false, ...more, stage, since }
}
