import { type Explainer } from '../annotate/index.ts'
import { type SpecOrigin } from '../plan/index.ts'
import { type DesiredQube } from '../../spec/index.ts'
import {
  type Host,
  type HostQube,
  type ManagedVersion,
  type Providers,
  type Receipts,
} from '../ports/index.ts'
import { type References } from './references.ts'

/** What planning needs besides the desired state. */
export interface PlanContext {
  readonly host: Host
  readonly providers: Providers
  readonly qubes: readonly HostQube[]
  readonly version: ManagedVersion
  /** ISO 8601, for the plan and the records that it writes. */
  readonly now: string
  readonly commit: string | null
  /** Which commits the files of the spec are of, where that is known. */
  readonly origins?: readonly SpecOrigin[]
  /** Names this installation in records, for people. */
  readonly by: string
  /** `adopt` takes over what is right already, changes no value, and takes a qube over from another configuration. */
  readonly mode?: 'apply' | 'adopt'
  /** What this installation wrote on the qubes; null: the host is a snapshot. */
  readonly receipts: Receipts | null
  /** Also reads what only explains the plan: from a management qube that takes policy lines of its own. */
  readonly explains?: boolean
  /**
   * Whether a setting goes back to what was there before where a `select` entry has lost the qube by a change of the host. Without it,
   * none does: only a commit withdraws.
   */
  readonly withdrawsUnmatched?: (path: string) => boolean
  /** Which settings are looked at; others keep their place in the record. */
  readonly selects: (qube: string, path: string) => boolean
  /** Qubes planned at once. */
  readonly parallelism: number
  readonly onQube?: (done: number, total: number) => void
}

/** The same while plans are made: with what has been read beside the qubes themselves, for all of them once. */
export interface Planning extends PlanContext {
  readonly explain: Explainer
  readonly references: References
}

/** Where there are no targets. */
export const selectsAll = (): true => true

/** Those settings of a qube that are looked at: the map itself, where all are. */
export function inScope<T>(
  settings: ReadonlyMap<string, T>,
  qube: string,
  { selects }: PlanContext,
): ReadonlyMap<string, T> {
  if (selects === selectsAll) return settings
  for (const path of settings.keys()) {
    if (!selects(qube, path)) return new Map([...settings].filter(([each]) => selects(qube, each)))
  }
  return settings
}

/** A qube of the spec, with those of its settings that are looked at. */
export function inScopeOf(qube: DesiredQube, context: PlanContext): DesiredQube {
  const settings = inScope(qube.settings, qube.name, context)
  return settings === qube.settings ? qube : { ...qube, settings }
}
