/**
 * What the spec says, with everything filled in, and the words that all parts share for it.
 *
 * A setting has an address: the qube and a path below it, `audio/model`, `qube/features/timezone`,
 * `usb/sys-usb+2-1:*`, `tags/windows`. Segments are JSON Pointer segments, not yet escaped.
 */
import { type Problem, type SourceRange } from '../diagnostics/index.ts'

/** Areas of the mission. Each has one provider. */
export type Area = 'slic' | 'audio' | 'stubdom' | 'usb' | 'qube' | 'tags'

export const AREAS: readonly Area[] = ['slic', 'audio', 'stubdom', 'usb', 'qube', 'tags']

export type AssignmentMode = 'auto-attach' | 'ask-to-attach' | 'required'

/**
 * A value in its one form. Off is a value: `false`, `''`, `[]`. Absent (inherit, not assigned, not tagged) is `null`,
 * in a map of settings, and a missing member in a document.
 */
export type Value = string | number | boolean | readonly string[] | Assignment

/** How a device is assigned. A spec says the mode alone; options are what somebody else gave it, and are kept as they are. */
// A type, since an interface has no index signature and so is no JSON to the compiler.
export type Assignment = {
  readonly mode: AssignmentMode
  readonly options?: Readonly<Record<string, string>>
}

/** What is done about a setting that someone else has changed on the host since qstate set it. */
export type DriftPolicy = 'correct' | 'report'

/** Policies by the path of a setting, by area, and for all others by `default`. */
export type DriftPolicies = ReadonlyMap<string, DriftPolicy>

export interface DesiredSetting {
  readonly area: Area
  /** Path below the qube; unique in a qube. */
  readonly path: string
  /** `null`: wanted absent (inherit from the template or the default; not assigned; not tagged). */
  readonly value: Value | null
  /** It is given once, and is the user's from then on. */
  readonly once?: true
  /** Where the spec says so; for a value of a built-in profile, the place that extends it. */
  readonly position: SourceRange
}

/**
 * When a running qube may be restarted so that what waits for its next start counts. `ask` needs someone at a terminal;
 * a window is local time, `22:00-06:00`, and may go over midnight. `idle-halted` restarts nothing: the qube is waited for
 * until its user, or what watches for idle qubes, has shut it down, and what a running qube does not take is held until then.
 */
export type RestartPolicy = 'never' | 'ask' | 'idle-halted' | 'now' | { readonly window: string }

/** Volumes whose size can be said, in bytes. */
export interface VolumeSizes {
  readonly root?: number
  readonly private?: number
}

export type CreatableClass = 'StandaloneVM' | 'AppVM' | 'TemplateVM'

/** What a qube is created as where it does not exist. One that exists is compared with it, and keeps class, template and label. */
export interface Ensure {
  readonly klass: CreatableClass
  /** An AppVM has one, and nothing else has. */
  readonly template: string | null
  readonly label: string
  /** Smaller volumes grow; none is made smaller. */
  readonly volumes: VolumeSizes
}

export interface DesiredQube {
  readonly name: string
  /** By path, in the order of the paths. What is not here is not qstate's business. */
  readonly settings: ReadonlyMap<string, DesiredSetting>
  /** Paths that the spec calls `unmanaged`: where qstate owns one, it gives it up and leaves the value as it is. */
  readonly unmanaged?: ReadonlySet<string>
  /** Digests of the `match` of each `select` entry that matches it; without it: none does. */
  readonly matched?: readonly string[]
  /** What is done about drift; without a policy it is corrected. */
  readonly drift?: DriftPolicies
  /** Without it: never. */
  readonly restart?: RestartPolicy
  /** Without it, a qube that is not there cannot be planned. One that is to be absent has no settings. */
  readonly ensure?: Ensure | 'absent'
  /** What `select` entries make of it on this host that cannot be. It blocks the setting, or (`path` null) the qube, and nothing else. */
  readonly unfit?: readonly Unfit[]
  readonly position: SourceRange
}

export interface Unfit {
  readonly path: string | null
  readonly problem: Problem
}

/** What a `select` entry gives to the qubes that match it. */
export interface Selection {
  /** SHA-256 of its `match`: an entry that matches the same qubes is the same entry. */
  readonly digest: string
  /** The tag that its `match` asks for; null: none. */
  readonly tag: string | null
  readonly gives: (path: string) => boolean
  /** What it says of drift. */
  readonly drift: DriftPolicies
}

/** `select` entries, as far as planning needs them. */
export interface Selections {
  readonly entries: readonly Selection[]
  /** Tags that they ask for. */
  readonly tags: readonly string[]
  /** What a qube is to have once these tags, which the host still has, are gone from it. */
  readonly without: (qube: string, tags: ReadonlySet<string>) => DesiredQube | null
}

/** A qube that has another name now. Qubes renames by clone and removal, so that what carries the new name is another qube. */
export interface Move {
  readonly from: string
  readonly to: string
  readonly position: SourceRange
}

export interface DesiredState {
  /** The configuration's own name, where it has one: what it set under this name on a qube that it drops is withdrawn. */
  readonly name: string | null
  /** Names that it had before: what it set under these is its own. Without it: none. */
  readonly formerly?: readonly string[]
  /** Without it: none. */
  readonly moved?: readonly Move[]
  readonly qubes: ReadonlyMap<string, DesiredQube>
  /** Tables from files, by SHA-256 in lower-case hex: what `file:<sha256>` in `slic/tables` stands for. */
  readonly tables: ReadonlyMap<string, Buffer>
  /** Without it there are no `select` entries. */
  readonly selections?: Selections
  /** Qubes whose tags are not known, though a selector asks for one: what is wanted of them is not known either. */
  readonly untold?: ReadonlyMap<string, Problem>
  /** SHA-256 over the wanted settings in canonical form: equal specs have equal digests, wherever they are written. */
  readonly digest: string
}

/** What `resolve` has to know of a host to apply selectors. */
export interface HostFacts {
  readonly qubes: readonly {
    readonly name: string
    readonly klass: string
    /** Those of the tags that selectors ask for which the qube has. */
    readonly tags: ReadonlySet<string>
    /** Why its tags are not known, where they are not. */
    readonly untold?: Problem
  }[]
}
