import { type Holder } from '../documents/host/index.ts'
import { type Plan, type QubeReport } from '../reconciler/index.ts'
import { type Code, type Diagnostic, type Problem, type SourceFile } from '../spec/diagnostics/index.ts'

/**
 * What surrounds a use case: time, a way to stop, and where to report to. It is made once, by the command line or by a daemon,
 * and handed on as it is. It knows no flag, no terminal and no text layout.
 */
export interface Context {
  /** Ends every wait; a write that is under way is finished. `reason` is the name of the signal. */
  readonly signal: AbortSignal
  readonly now: () => Date
  readonly pause: (ms: number) => Promise<void>
  /** Told how far a run is. Nothing is decided by it. */
  readonly progress: (step: Progress) => void
  /** Told what a person should know and what stops nothing. */
  readonly warn: (problem: Problem) => void
  /** Told what is wrong with files that were read, errors and warnings; the files hold the lines to show. */
  readonly report: (diagnostics: readonly Diagnostic[], files: readonly SourceFile[]) => void
  /** Told of each call to a host when its answer is in. Values are never told. */
  readonly onCall?: (call: TracedCall) => void
  /** Who acts, for journal and lock: `alice@dom0`. */
  readonly actor: string
  /** Name of this machine, which in a qube is the qube's: policy lines name it. */
  readonly machine: string
  /** Folder that relative paths are counted from. */
  readonly cwd: string
}

export interface TracedCall {
  /** `admin.vm.feature.Set+audio-model on win10`. */
  readonly call: string
  /** Length of the payload. */
  readonly bytes: number
  readonly outcome: 'ok' | Code
}

/** How far a run is. */
export type Progress =
  | { readonly kind: 'planning' | 'recording'; readonly done: number; readonly total: number }
  /** A qube of a plan has been applied, or not. */
  | {
      readonly kind: 'applied'
      readonly plan: Plan
      readonly qube: QubeReport
      readonly done: number
      readonly total: number
    }
  | { readonly kind: 'restarting'; readonly qube: string; readonly doing: string; readonly seconds: number }
  | { readonly kind: 'restarted'; readonly qube: string }
  /** Another run holds the lock, and is waited for. */
  | { readonly kind: 'waiting-for-lock'; readonly holder: Pick<Holder, 'who' | 'pid' | 'since'> }
