import { HostError, type Observation, type Refusal } from '../../reconciler/index.ts'

/** Where the tables of a qube are kept: files in dom0, or whatever stands between. */
export interface SlicStore {
  /** Tables of the qube's template; absent where there is none. Fails with HostError. */
  read(qube: string): Promise<Observation<readonly string[]>>
  /** Why this host cannot give a table, looked at before it is planned. */
  problem(table: string): Promise<Refusal | undefined>
  set(qube: string, tables: readonly string[]): Promise<void>
  /** Leaves no trace. */
  remove(qube: string): Promise<void>
}

const WHY = 'SLIC is set by a file in dom0, which no Admin API call reaches'
const HINT = 'run qstate in dom0 for this setting, or leave slic out of the spec here'

/** Outside dom0 nothing is known of these files. */
export const noSlicStore: SlicStore = {
  read: () => Promise.resolve({ status: 'unknown', why: WHY, hint: HINT }),
  problem: () => Promise.resolve(undefined),
  set: () => Promise.reject(new HostError('slic', WHY, HINT, false)),
  remove: () => Promise.reject(new HostError('slic', WHY, HINT, false)),
}
