import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Area, type Value } from '../../spec/index.ts'
import {
  type HostCall,
  type HostQube,
  type Observation,
  type QubesVersion,
  type Reading,
  sameValue,
} from './host.ts'

/** What a provider may know of the qube besides its readings. */
export interface QubeFacts {
  readonly qube: HostQube
  readonly version: QubesVersion
  /** Tables that this host cannot give, with the reason. Known where SLIC has been read. */
  readonly hostTables?: ReadonlyMap<string, Problem>
}

/**
 * Knows what the settings of one area are in Admin API calls or files. Decides nothing, reads nothing, writes nothing:
 * every function is pure, and the caller does the talking.
 */
export interface Provider {
  readonly area: Area
  /** What has to be read to know a setting. */
  need(path: string): Need
  /**
   * The setting's value in a reading, as exactly as `calls` could bring it back. What could not be read is unknown, never
   * absent.
   */
  decode(path: string, reading: Reading, facts: QubeFacts): Observation<Value>
  /** Brings two spellings that mean the same to the same value; `null` is absent. Idempotent. */
  normalize(path: string, value: Value | null, facts: QubeFacts): Value | null
  /** The calls that take a setting from one value to another, in order, or why this host cannot have it. */
  calls(change: SettingChange, facts: QubeFacts): readonly HostCall[] | Problem
  /** When a change counts on a qube that runs. On a halted qube everything counts at its next start. */
  effect(path: string, facts: QubeFacts): 'now' | 'next-start'
  /** Whether a value that is not the one that qstate set is of its making all the same, so that it may be withdrawn. */
  isOwnMaking?(path: string, value: Value): boolean
  /** What was there before qstate, where that is not simply what is seen. */
  original?(path: string, seen: Value | null): Value | null
  /** What counts while a setting is absent, from what has been read anyway. */
  inherited?(path: string, peek: Reading['peek']): Value | undefined
  /** The feature behind a setting, which a template hands on to its app qubes, and the value that its text is. */
  inheritedFeature?(path: string): { readonly name: string; value(text: string): Value } | undefined
  /** Why a change cannot be made while the qube runs. The version is what it is known to be. */
  haltedOnly?(path: string, after: Value | null, facts: QubeFacts): Problem | undefined
  /** What Qubes asks of the qube that a value names, beyond that it exists. */
  demand?(path: string, facts: QubeFacts): Demand | undefined
  /** Something a person should know of this setting on this host: it has no effect on this version, and the like. */
  remark?(path: string, value: Value | null, facts: QubeFacts): string | undefined
}

/** Of what class a qube has to be, and which of its properties has to be on, for a value to name it. */
export interface Demand {
  readonly fits: (klass: string) => boolean
  readonly otherClass: (qube: string, klass: string) => Problem
  readonly on?: {
    readonly property: string
    readonly lacking: (qube: string) => Problem
    readonly isAskedBy: (version: QubesVersion) => boolean
  }
}

/** One of the things that Needs count. */
type Need =
  | { readonly kind: 'feature' | 'property' | 'tag'; readonly name: string }
  | { readonly kind: 'usb' | 'denied' | 'slic' }

export interface SettingChange {
  readonly qube: string
  readonly path: string
  /** `null` is absent. */
  readonly before: Value | null
  readonly after: Value | null
}

export type Providers = ReadonlyMap<Area, Provider>

/** Whether two values of a setting mean the same to the host. */
export function meansSame(
  providers: Providers,
  path: string,
  a: Value | null,
  b: Value | null,
  facts: QubeFacts,
): boolean {
  if (a === b) return true
  const provider = providerOf(providers, path)
  return sameValue(provider.normalize(path, a, facts), provider.normalize(path, b, facts))
}

/** The provider of a path, by its first segment. A path comes from the spec or a checked record, so there is one. */
export function providerOf(providers: Providers, path: string): Provider {
  const provider = providers.get(path.slice(0, path.indexOf('/')) as Area)
  if (provider === undefined) throw new Error(`no provider for ${path}`)
  return provider
}
