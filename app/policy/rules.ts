import { type Ensure, type Value } from '../../spec/index.ts'

/** Qubes that share their needs: one by its name, or those that a selector matches, as policy writes a target. */
export interface Scope {
  /** `win10-work`, `@tag:office`, `@type:AppVM`. */
  readonly target: string
  /** Names of the qubes behind it: SLIC goes by name. Null where no host was asked. */
  readonly names: readonly string[] | null
  /** Values that are asked for, by path. `null` is wanted absent. */
  readonly settings: ReadonlyMap<string, Value | null>
  /** What the qube is created as. */
  readonly ensure: Ensure | 'absent' | null
  /** The spec lets qstate restart them. */
  readonly restarts: boolean
}

export interface Rule {
  readonly method: string
  /** `+ARG` or `*`. */
  readonly arg: string
  readonly target: string
}

/** Rules that belong together, and what for. */
export interface Group {
  readonly title: string
  readonly rules: readonly Rule[]
  /** Why there can be no rule for what the title names. */
  readonly without?: string
}

export const rule = (method: string, arg: string, target: string): Rule => ({
  method,
  arg: arg === '' ? '*' : `+${arg}`,
  target,
})

/** qrexec carries these in an argument; anything else arrives as `_` (qrexec-daemon.c, sanitize_name). */
export const QREXEC_ARGUMENT = /^[A-Za-z0-9+._-]*$/

/** What a policy is for beside plan and apply. */
export interface Extras {
  /** `apply --restart`. */
  readonly restart: boolean
  /** `apply --live`. */
  readonly live: boolean
  /** What a plan reads only to explain itself. */
  readonly explain: boolean
  /** Events, for `qstate agent`. */
  readonly agent: boolean
  /** `apply --confirm`. */
  readonly confirm: boolean
}
