import { type Observation, type Orphan, type TemplateTexts, type Unknown } from '../../reconciler/index.ts'
import { problem, type Problem } from '../../spec/diagnostics/index.ts'

/** Stands, with a digest, in the place of tables where someone has edited a template of ours. No spec can ask for it. */
export const EDITED = 'edited:'

/** Stands in the place of tables where files of ours do not fit together any more. No spec can ask for it. */
export const OUTDATED = 'outdated:'

/** Where the tables of a qube are kept: files in dom0, or the service that stands before them. */
export interface SlicStore {
  /** Tables of the qube's template; absent where there is none. Fails with QstateError. */
  read(qube: string): Promise<Observation<readonly string[]>>
  /** Why this host cannot give a table, looked at before it is planned. */
  problem(table: string): Promise<Problem | undefined>
  set(qube: string, tables: readonly string[]): Promise<void>
  /** Leaves no trace. */
  remove(qube: string): Promise<void>
  /** Whether listing takes a call: then it is worth one only where the spec has to do with SLIC. */
  readonly listingCosts: boolean
  /** Templates of ours by their qubes' names. Fails with QstateError. */
  list(): Promise<readonly Orphan[]>
  /** A template of ours that was edited, beside the one for these tables, which may be none. Fails with QstateError. */
  texts(qube: string, tables: readonly string[]): Promise<TemplateTexts | undefined>
}

/** Of an edited template no more than this many bytes are looked at: one of ours has 400. */
export const MAX_TEXT = 16 * 1024

/** Bytes of a table from the spec, by its SHA-256. */
export type Tables = (sha256: string) => Buffer | undefined

/** What goes wrong is said in the same words in dom0 and outside. */
export const missingTable = (name: string): Problem =>
  problem(
    'missing-table',
    `this machine has no table ${name}`,
    'only machines sold with Windows 7 or earlier have SLIC, and those sold with 8 or later MSDM; use `slic: off`, or a table from a file',
  )

export const unusableTable = (table: string, why: string): Problem =>
  problem(
    'unusable-table',
    `the table ${table} cannot be used: ${why}`,
    'Xen would hand it to the guest unchecked',
  )

/** Its bytes are not known here: a saved plan names it, and no spec was given. */
export const unavailableTable = (table: string): Problem =>
  problem('table-unavailable', `the table ${table} is not at hand`, 'apply from the spec that names its file')

/** What makes libvirt hand the host's table to a qube. */
const SLIC_ELEMENT = "<acpi><table type='slic'>/sys/firmware/acpi/tables/SLIC</table></acpi>"

export const foreign = (path: string): Unknown => ({
  status: 'unknown',
  problem: problem(
    'foreign-template',
    `${path} was written by someone else`,
    `it is not overwritten. To merge, write this into its block os, below \`{{ super() }}\`, and \`slic: unmanaged\` in the spec:
${SLIC_ELEMENT}
(for other tables name a file of your own that has them one behind the other).
To let qstate adopt it, move the file away and plan again; what else it says goes with it:
sudo mv ${path} ${path}.mine`,
  ),
})
