import { type Report, type SourceRange } from '../diagnostics/index.ts'
import {
  type DesiredSetting,
  type DriftPolicy,
  type Ensure,
  type Move,
  type RestartPolicy,
} from '../vocabulary/index.ts'
import { type Written } from '../yaml/index.ts'

export interface LoadOptions {
  /**
   * Reads an ACPI table: the path as written, and the file it was written in. A string is the reason why it cannot be
   * read. Without this function files are not looked at, and `tables` stays without them.
   */
  readonly readTable?: (path: string, from: string) => Buffer | string
  /** Changes the documents after they are read and before they are checked: a fleet lays some over others. */
  readonly shape?: (documents: readonly Written[], report: Report) => readonly Written[]
}

/** What one body says of one path: a setting, or (`value` undefined) that qstate leaves the path alone after all. */
export type Statement = Omit<DesiredSetting, 'value'> & {
  readonly value: DesiredSetting['value'] | undefined
}

/** By path, in the order of the paths. */
export type Statements = ReadonlyMap<string, Statement>

/** What a line says of drift. */
export interface DriftStatement {
  readonly policy: DriftPolicy
  readonly position: SourceRange
}

/** By path, by area, and for all others by `default`. */
export type DriftStatements = ReadonlyMap<string, DriftStatement>

/** What a body says of whether its qube is there. The label may be said by a setting instead. */
export interface EnsureStatement {
  readonly creates: (Omit<Ensure, 'label'> & { readonly label: string | null }) | 'absent'
  readonly position: SourceRange
}

/** A name that a body extends, and where it says so. */
export interface ProfileUse {
  readonly profile: string
  readonly position: SourceRange
}

/** What a qube, a profile or a selector says, read but not yet composed. */
export interface Body {
  readonly extends: readonly ProfileUse[]
  readonly statements: Statements
  readonly drift: DriftStatements
  readonly restart: RestartPolicy | null
  readonly ensure: EnsureStatement | null
  readonly position: SourceRange
  /** False when a part of it could not be read: what is missing from it then proves nothing. */
  readonly complete: boolean
}

/** A body with its profiles filled in. Statements that leave a path alone are kept until everything is laid together. */
export interface Composed {
  readonly statements: Statements
  /** Built-in profiles that took part. */
  readonly builtIns: ReadonlySet<string>
  readonly drift: DriftStatements
  readonly restart: RestartPolicy | null
  readonly ensure: EnsureStatement | null
  /** False where a part could not be read or found: what is missing proves nothing. */
  readonly complete: boolean
}

/** A qube or a selector, and where it is written. */
export interface Placed {
  readonly composed: Composed
  readonly position: SourceRange
}

export interface Match {
  readonly tag: string | null
  /** A glob: `*` and `?`. */
  readonly name: string | null
  readonly klass: string | null
}

export interface Selector extends Body {
  readonly match: Match
}

/** Everything that was written, read, checked and composed. Callers look at `name`, `selects` and `tables` only. */
export interface Manifest {
  readonly name: string | null
  /** Names that the configuration had before. */
  readonly formerly: readonly string[]
  readonly moved: readonly Move[]
  /** What `resolve` will have to know of a host: nothing at all without selectors. */
  readonly selects: { readonly needsHost: boolean; readonly tags: readonly string[] }
  /** Bytes of the tables read from files, by SHA-256. */
  readonly tables: ReadonlyMap<string, Buffer>
  readonly qubes: ReadonlyMap<string, Placed>
  readonly selectors: readonly (Placed & { readonly match: Match })[]
  /** Keys of the diagnostics that `loadManifest` gave already, so that `resolve` does not repeat them. */
  readonly reported: ReadonlySet<string>
}
