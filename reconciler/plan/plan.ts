import { type Problem, type SourceRange } from '../../spec/diagnostics/index.ts'
import { type CreatableClass, type RestartPolicy, type Value } from '../../spec/index.ts'
import { type HostCall, type Orphan, type QubesVersion, type VolumeName } from '../ports/index.ts'
import { type Operation } from './patch.ts'

/**
 * A plan: what an apply will do, whole and reviewable, and nothing else. It is plain JSON. `remarks` and `notes` explain;
 * nothing branches on them.
 */
export interface Plan {
  readonly schema: typeof PLAN_SCHEMA
  readonly version: typeof PLAN_VERSION
  readonly createdAt: string
  readonly host: { readonly where: string; readonly release: QubesVersion }
  readonly spec: {
    readonly name: string | null
    /** Names that the configuration had before. */
    readonly formerly?: readonly string[]
    /** SHA-256 of the desired state. */
    readonly digest: string
    /** Commit of the repository that the spec is in, where it is in one; `+` at its end when a file that was used differs from it. */
    readonly commit: string | null
    /** Which commit each file that was used is of. */
    readonly origins?: readonly SpecOrigin[]
  }
  readonly qubes: readonly QubePlan[]
  /** Withdrawals that only a person can agree to. */
  readonly consent?: ConsentRequest
  /** Files of ours in dom0 for qubes that are not there any more: renamed or removed. Shown, and left but where qstate is leaving. */
  readonly orphans?: readonly OrphanTemplate[]
  /** Why it is not known whether there are such files, where the spec has to do with them. */
  readonly orphansUnknown?: Problem
  /** What would explain the plan further, and could not be read. */
  readonly untold?: readonly Untold[]
  /** Qubes that an apply at this time restarts, or asks about, once their values are set. Told where a plan is shown. */
  readonly restarts?: readonly PlannedRestart[]
  /** Paths of the tables that `file:<sha256>` stands for, by SHA-256: read again, and compared, when it is applied. */
  readonly tables?: Readonly<Record<string, string>>
  /** Digest of which `select` entries match which qubes: once all of the plan is done, the receipts say so. */
  readonly matched?: string
}

export interface PlannedRestart {
  readonly qube: string
  readonly when: 'now' | 'ask'
  readonly harm?: RestartHarm
}

/** What a restart would harm, as far as it does. */
export interface RestartHarm {
  /** Why it is not shut down, even with consent: it would not start again, or not be shut down. */
  readonly refusal?: Problem
  /** What others would lose, or why that is not known: only a person agrees to it. */
  readonly needsPerson?: readonly Problem[]
  /** What could not be read of whether it starts again. */
  readonly unknown?: readonly Problem[]
}

/** Withdrawals of so much of what is owned that a line of the spec may have been lost by mistake. */
export interface ConsentRequest {
  readonly qubes: readonly {
    readonly qube: string
    /** Owned settings that the spec no longer names. */
    readonly leaves: readonly string[]
    /** No owned setting of it stays named. */
    readonly isWhole: boolean
  }[]
  /** Values that are written, by UUID and path. */
  readonly withdrawals: readonly Withdrawal[]
  /** SHA-256 of the withdrawals: what a person agrees to. */
  readonly digest: string
}

/** A value that goes back to what was there before qstate. */
export interface Withdrawal {
  readonly qube: string
  readonly uuid: string
  readonly path: string
  /** Null: it becomes absent. */
  readonly after: Value | null
}

/**
 * With what it holds, it is removed, if it still holds that. `movedTo`: the qube that has the place of the one it was for, and has what it
 * is to have instead by then.
 */
export type OrphanTemplate = Orphan & { readonly removes?: readonly string[]; readonly movedTo?: string }

/** Orphans that an apply of the plan removes. */
export const removedOrphans = ({
  orphans = [],
}: Pick<Plan, 'orphans'>): readonly (OrphanTemplate & { readonly removes: readonly string[] })[] =>
  orphans.flatMap((one) => (one.removes === undefined ? [] : [{ ...one, removes: one.removes }]))

/** Files of a spec that are of one commit, or of none. */
export interface SpecOrigin {
  /** Folder of the repository; null: they are in none. */
  readonly repository: string | null
  readonly commit: string | null
  readonly files: readonly string[]
}

export interface Untold {
  readonly what: string
  readonly problem: Problem
}

export const PLAN_SCHEMA = 'qstate.plan'
export const PLAN_VERSION = 2

export const EFFECTS = ['now', 'next-start', 'set-back'] as const

export const REASONS = ['new', 'changed', 'drift', 'withdrawn', 'rollback'] as const

/** `withdrawn`: nothing names it any more, and it goes back to what was there before qstate. */
export type Reason = (typeof REASONS)[number]

export interface QubePlan {
  readonly qube: string
  readonly uuid: string | null
  readonly klass: string
  readonly running: boolean
  /** As the host says it, where it is neither running nor halted. */
  readonly state?: string
  /** The qube is not there, and is created first: `uuid` is null, and its record has none yet. */
  readonly create?: Creation
  /** Volumes to grow: of a qube that is created, or is halted. */
  readonly volumes?: readonly VolumeGrowth[]
  /** Where the qube differs from its `ensure`: reported, and left. */
  readonly differs?: readonly EnsureDifference[]
  /** The qube goes, with all its data, and its record with it. Nothing else is planned for it. */
  readonly remove?: Removal
  /** It is to be there, and has a record of ours: this is kept even where it owns nothing. */
  readonly made?: true
  /** The record that is there need not be proven: a person takes it over, or gives it up. */
  readonly takesOver?: true
  /** The record on the qube is that of one whose place this one has taken: its entries pass over. */
  readonly movedFrom?: MovedFrom
  /** Qubes that the record on the qube names as they were called before. */
  readonly renames?: readonly Rename[]
  /** There is nothing to write here, and an apply notes on this machine that it is so: its receipt does not say it yet. */
  readonly closes?: true
  /** Owned settings that the spec no longer names, whether or not a value changes. */
  readonly leaves?: readonly string[]
  /** In the order in which they are made. */
  readonly changes: readonly Change[]
  readonly record: RecordChange
  readonly blocked: readonly Blocked[]
  /** Settings that only a halted qube takes, of one whose policy has it halted some day: no failure. */
  readonly held?: readonly HeldSetting[]
  /** Drift: what `select` entries gave until the host changed. It stays as it is, and owned. */
  readonly unmatched?: readonly Unmatched[]
  /** Drift that the spec has only reported: the setting stays as it is, and owned. */
  readonly reported?: readonly Reported[]
  /** Of what is written here: digests of the `select` entries that give settings to the qube, for its receipt. */
  readonly matched?: readonly string[]
  /** Settings changed earlier that still wait for the next start of the running qube. */
  readonly waiting: readonly string[]
  /** When the spec lets the qube be restarted for what waits. Without it: never. */
  readonly restart?: RestartPolicy
  /** What keeps the qube from its next start, as far as that has been asked. */
  readonly hindered?: readonly Problem[]
  /** Things to know that need no write: adopted values, values left alone, a record that is not believed. */
  readonly notes: readonly Note[]
}

export interface MovedFrom {
  /** Null: a run that was cut off has begun to pass its entries over, and no line of the spec names it any more. */
  readonly qube: string | null
  readonly uuid: string
}

/** A qube that is not there any more, and the name of the one that has its place. */
export interface Rename {
  readonly from: string
  readonly to: string
}

export interface Removal {
  readonly calls: readonly HostCall[]
  /** The line of the spec that asks for it, where one does. */
  readonly at?: SourceRange
}

/** An owned setting that a `select` entry gave, which does not match the qube any more though no commit changed it. */
export interface Unmatched {
  readonly path: string
  readonly value: Value | null
  /** What it would go back to. */
  readonly original: Value | null
  readonly why: string
}

/** An owned setting that someone else has changed, and that is not set back. */
export interface Reported {
  readonly path: string
  readonly value: Value | null
  readonly wanted: Value | null
}

/** What makes a qube that is not there. */
export interface Creation {
  readonly klass: CreatableClass
  readonly template: string | null
  readonly label: string
  readonly calls: readonly HostCall[]
}

/** A volume that is to have this many bytes, if it has fewer: none is ever made smaller. */
export interface VolumeGrowth {
  readonly name: VolumeName
  readonly size: number
  readonly calls: readonly HostCall[]
}

/** What a qube is, and what `ensure` would make it. Sizes are in bytes; none is made smaller. */
export interface EnsureDifference {
  readonly what: 'class' | 'label' | 'template' | VolumeName
  readonly is: string | number
  readonly ensure: string | number
}

export interface Change {
  readonly path: string
  /** `null` is absent: inherited, not assigned, not tagged. */
  readonly before: Value | null
  readonly after: Value | null
  /** Opens with a `test` for the old value. */
  readonly patch: readonly Operation[]
  /** The same in the other direction: the rollback. */
  readonly inverse: readonly Operation[]
  readonly reason: Reason
  /** `set-back`: to what it was before a change that has not counted yet, so that nothing waits. */
  readonly effect: 'now' | 'next-start' | 'set-back'
  readonly calls: readonly HostCall[]
  /** The line of the spec that asks for it, where one does. */
  readonly at?: SourceRange
  readonly remarks: readonly string[]
  /** A text behind the setting that someone has edited, against what an apply writes: a unified difference, by lines. */
  readonly diff?: readonly string[]
  /** What counts while the setting is absent, where that is known: what a change takes over from, or goes back to. */
  readonly inherited?: Value
}

/** The ownership record's feature, before and after; equal when it need not be written. `null`: not set. */
interface RecordChange {
  readonly before: string | null
  readonly after: string | null
}

/** A setting, or a whole qube (`path` null), that cannot be planned. Nothing of it is written. */
export interface Blocked {
  readonly path: string | null
  readonly problem: Problem
}

/** A setting that is made once the qube is halted. */
export interface HeldSetting extends Blocked {
  /** What it will be. */
  readonly after?: Value | null
}

export interface Note {
  readonly kind:
    | 'adopted'
    | 'guest-owned'
    | 'released'
    | 'clone'
    | 'created'
    | 'device'
    | 'as-before'
    | 'followed'
    | 'once'
    | 'heirs'
    | 'moved'
    | 'record-lost'
    | 'taken-over'
    | 'unproven'
    | 'owned-then'
    | 'untold'
  readonly path: string | null
  readonly text: string
}

/** Drift that an apply leaves as it is, and why. */
export const driftLeft = ({
  unmatched = [],
  reported = [],
}: QubePlan): readonly (Reported & { readonly why: string })[] => [
  ...reported.map((one) => ({ ...one, why: 'only reported, as the spec says' })),
  ...unmatched.map(({ path, value, original, why }) => ({ path, value, wanted: original, why })),
]

/** The one home of "is there anything to do?". */
export function needsApply(plan: QubePlan): boolean {
  return (
    plan.create !== undefined ||
    plan.remove !== undefined ||
    (plan.volumes?.length ?? 0) > 0 ||
    plan.changes.length > 0 ||
    plan.record.before !== plan.record.after
  )
}

/** Whether an empty plan leaves something to note. */
export const planCloses = (plan: Plan): boolean =>
  plan.matched !== undefined || plan.qubes.some(({ closes }) => closes === true)

export function planIsEmpty(plan: Plan): boolean {
  return !plan.qubes.some(needsApply) && removedOrphans(plan).length === 0
}

/** Whether something waits for an apply that finds its qube halted. */
export function planHolds(plan: Plan): boolean {
  return plan.qubes.some((qube) => (qube.held?.length ?? 0) > 0)
}

export function planIsBlocked(plan: Plan): boolean {
  return plan.qubes.some((qube) => qube.blocked.length > 0)
}
