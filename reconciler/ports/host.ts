import { type Problem } from '../../spec/diagnostics/index.ts'
import { type Value, type VolumeSizes } from '../../spec/index.ts'

/**
 * What the core needs of the outer world, handed to it by the caller. Nothing here knows how the host is reached.
 */

/** What each of them has and lacks is not known here: the table is `qubesd/versions.ts`, and the providers look there. */
export const QUBES_VERSIONS = ['4.2', '4.3', '4.4'] as const
export type QubesVersion = (typeof QUBES_VERSIONS)[number]

/** A version that qstate plans for and changes; of others it reads only. */
export type ManagedVersion = Exclude<QubesVersion, '4.2'>

/** One call as it will be sent; a plan lists them. `dest` is a qube. */
export interface HostCall {
  readonly dest: string
  readonly method: string
  readonly arg: string
  readonly payload: string
}

export interface HostQube {
  readonly name: string
  readonly klass: string
  readonly state: string
  /** Null where the version does not list it. */
  readonly uuid: string | null
}

/** Whether it has features from a template, where it does not set them itself. */
export const hasTemplate = ({ klass }: HostQube): boolean => klass === 'AppVM' || klass === 'DispVM'

/** Anything but halted: a paused or starting qube keeps what it was started with. */
export const isRunning = (qube: HostQube): boolean => qube.state !== 'Halted' && qube.state !== ''

/** A volume whose size a spec can say. */
export type VolumeName = keyof VolumeSizes

/** What looking found. `unknown` never leads to a write, and says what would make it known. */
export type Observation<T> = Present<T> | { readonly status: 'absent' } | Unknown

export interface Present<T> {
  readonly status: 'present'
  readonly value: T
}

export interface Unknown {
  readonly status: 'unknown'
  readonly problem: Problem
}

/** What is to be read of one qube. Several providers' needs are merged, so that nothing is read twice. */
export interface Needs {
  readonly features: readonly string[]
  readonly properties: readonly string[]
  readonly tags: readonly string[]
  readonly usb: boolean
  readonly denied: boolean
  readonly slic: boolean
}

export interface UsbAssignment {
  readonly backend: string
  readonly port: string
  readonly identity: string
  readonly mode: 'auto-attach' | 'ask-to-attach' | 'required'
  readonly options?: Readonly<Record<string, string>>
}

/** Answers to Needs. Asking for what was not needed is a bug and throws. */
export interface Reading {
  feature(name: string): Observation<string>
  /** Absent: at its default. `effective` is what counts either way. */
  property(name: string): Observation<string>
  effective(name: string): Observation<string>
  /** A property that was not asked for, if the answer happens to hold it. */
  readonly peek: (name: string) => Observation<string> | undefined
  tag(name: string): Observation<true>
  usb(): Observation<readonly UsbAssignment[]>
  denied(): Observation<readonly string[]>
  /** Tables of the qube's libvirt template; absent where there is no template. */
  slic(): Observation<readonly string[]>
}

/** A device that a qube has, or could have, now. */
export interface PresentDevice {
  readonly backend: string
  readonly port: string
  readonly identity: string
}

type DeviceKind = 'usb' | 'block'

interface AttachedDevice extends PresentDevice {
  /** No assignment names it by port and identity. */
  readonly byHand: boolean
}

/** A USB device that is plugged in. */
export interface AvailableDevice extends PresentDevice {
  /** Text of the device itself. */
  readonly description: string
  /** The qube that has it. */
  readonly attachedTo: string | null
}

/** A property as the host tells it. */
export interface PropertyState {
  readonly isDefault: boolean
  readonly value: string
}

/** Properties by name; one that could not be read is unknown by itself. */
export type QubeProperties = ReadonlyMap<string, Observation<PropertyState>>

/** A file of ours in dom0 for a qube of this name. */
export interface Orphan {
  readonly qube: string
  readonly path: string
}

/** The template of a qube as someone has edited it, and as qstate would write it: empty where there is to be none. */
export interface TemplateTexts {
  readonly path: string
  readonly is: string
  readonly would: string
}

export interface Host {
  /** For people and for the plan file: `dom0 (/var/run/qubesd.sock)`. */
  readonly where: string
  /** Fails with QstateError. */
  list(): Promise<readonly HostQube[]>
  /** Where not every qube may be listed: what would have one listed. */
  readonly howListed?: (qube: string) => string
  /** Calls pass a qrexec policy: each kind of question needs a line there. */
  readonly hasPolicy: boolean
  /** The qube of this host that qstate runs in, where it runs in one. */
  readonly ownQube: string | null
  /** Which Qubes it is, as its list of qubes shows. */
  version(qubes: readonly HostQube[]): QubesVersion
  /** What could not be read is unknown. Fails with a fatal QstateError only: the daemon is gone, or the run is stopped. */
  read(qube: string, needs: Needs): Promise<Reading>
  /** Why the host cannot give an ACPI table to its qubes; `undefined` when it can, or when that is not known. */
  tableProblem(table: string): Promise<Problem | undefined>
  /**
   * Templates of ours with ACPI tables, by their qubes' names. `asked`: the spec has to do with SLIC, so that it is worth
   * a call where it takes one; otherwise there are none. Never absent. Fails with a fatal QstateError only.
   */
  tableTemplates(asked: boolean): Promise<Observation<readonly Orphan[]>>
  /**
   * A template of ours that was edited, beside the one for these tables. Explains only: `undefined` where it was not
   * edited, or cannot be had. Fails with a fatal QstateError only.
   */
  templateTexts(qube: string, tables: readonly string[]): Promise<TemplateTexts | undefined>
  /** The text of a feature on the qube or, failing that, on its template. Fails with a fatal QstateError only. */
  inheritedFeature(qube: string, name: string): Promise<Observation<string>>
  /**
   * The version with 4.3 and 4.4 told apart, which takes a call: a read of a property of a qube that may be read anyway.
   * Fails with a fatal QstateError only.
   */
  exactVersion(qube: string, property: string): Promise<QubesVersion>
  /** Names of the labels that the host has. */
  labels(): Promise<Observation<readonly string[]>>
  /** Names of the kernels that the host can start a qube with. */
  kernels(): Promise<Observation<readonly string[]>>
  /** Names of the features that are set on a qube. Fails with a fatal error only, as all that give an observation. */
  features(qube: string): Promise<Observation<readonly string[]>>
  tags(qube: string): Promise<Observation<readonly string[]>>
  /** All properties that a qube has. Unknown as a whole where not one can be read. */
  properties(qube: string): Promise<Observation<QubeProperties>>
  /** Devices that a running qube has to give: without a kind, those that are plugged in by USB. Only these say who has them. */
  availableDevices(backend: string, kind?: DeviceKind): Promise<Observation<readonly AvailableDevice[]>>
  /** Devices that a running qube has now. */
  attachedDevices(qube: string, kind: DeviceKind): Promise<Observation<readonly AttachedDevice[]>>
  /** What of dom0's files keeps a qube from starting: its libvirt template, and what that names. Absent: nothing does. */
  startObstacle(qube: string): Promise<Observation<Problem>>
  /** `Running`, `Halted`, … as the host says now. Fails with QstateError. */
  state(qube: string): Promise<string>
  /** Bytes of a volume as the host says now. Fails with QstateError. */
  volumeSize(qube: string, volume: VolumeName): Promise<number>
  /** Fails with QstateError. */
  write(call: HostCall): Promise<void>
}

/** A hint for where a qube is not among those listed: it may be there, and not be shown. */
export function orListed(hint: string, host: Host, qube: string): string {
  const listed = host.howListed?.(qube)
  return listed === undefined ? hint : `${hint}; ${listed}`
}

/** Whether two values are the same text in a document. */
export function sameValue(a: Value | null, b: Value | null): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  return JSON.stringify(a) === JSON.stringify(b)
}
