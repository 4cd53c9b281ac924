import { HostError, type Observation, type Refusal, type Unknown } from '../../reconciler/index.ts'

/** Stands in the place of tables where files of ours do not fit together any more. No spec can ask for it. */
export const OUTDATED = 'outdated:'

/** Where the tables of a qube are kept: files in dom0, or the service that stands before them. */
export interface SlicStore {
  /** Tables of the qube's template; absent where there is none. Fails with HostError. */
  read(qube: string): Promise<Observation<readonly string[]>>
  /** Why this host cannot give a table, looked at before it is planned. */
  problem(table: string): Promise<Refusal | undefined>
  set(qube: string, tables: readonly string[]): Promise<void>
  /** Leaves no trace. */
  remove(qube: string): Promise<void>
  /** Templates of ours by their qubes' names, where they can be listed: not from outside dom0. */
  list?(): Promise<readonly { readonly qube: string; readonly path: string }[]>
}

/** Bytes of a table from the spec, by its SHA-256. */
export type Tables = (sha256: string) => Buffer | undefined

/** What goes wrong is said in the same words in dom0 and outside. */
export const slicError = (message: string, hint: string): HostError =>
  new HostError('slic', message, hint, false)

export const missingTable = (name: string): HostError =>
  slicError(
    `this machine has no table ${name}`,
    'only machines sold with Windows 7 or earlier have SLIC, and those sold with 8 or later MSDM; use `slic: off`, or a table from a file',
  )

export const unusableTable = (table: string, why: string): HostError =>
  slicError(`the table ${table} cannot be used: ${why}`, 'Xen would hand it to the guest unchecked')

/** What makes libvirt hand the host's table to a qube. */
const SLIC_ELEMENT = "<acpi><table type='slic'>/sys/firmware/acpi/tables/SLIC</table></acpi>"

export const foreign = (path: string): Unknown => ({
  status: 'unknown',
  why: `${path} was written by someone else`,
  hint: `it is not overwritten. To merge, add this line to its block os, below \`{{ super() }}\`:
${SLIC_ELEMENT}
To let qstate have it, move the file away and plan again`,
})
