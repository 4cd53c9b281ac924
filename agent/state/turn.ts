import { type RestartReport } from '../../reconciler/index.ts'
import { type Reconciled } from '../policy/index.ts'
import { type Memory } from '../../documents/agent/index.ts'

/** One turn of the loop, for logs and metrics. */
export interface Turn {
  readonly why: string
  readonly memory: Memory
  readonly done: Reconciled | null
  readonly restarts: readonly RestartReport[]
}
