/** What one version of Qubes has and lacks, as far as qstate depends on it. */
interface VersionTraits {
  /** For people. */
  readonly label: string
  readonly note: string | null
  /** Null: qstate plans for this version and changes it. A date: it reads what is there, so that people can move on. */
  readonly endOfLife: string | null
  /** `admin.vm.List` gives the UUIDs of qubes. */
  readonly listsUuids: boolean
  /** Answers a refusal with its reason; without this the connection closes with no byte sent. */
  readonly namesRefusals: boolean
  /** A device is a port and an identity, and an assignment has a mode; or it is a port, kept for the next start or not. */
  readonly usb: 'assignments' | 'ports'
  readonly deniesInterfaces: boolean
  /** Takes a `maxmem` from a halted qube only. */
  readonly fixesMaxmemWhileRunning: boolean
  /** Takes as `default_dispvm` and `management_dispvm` only a qube that is a template for disposables. */
  readonly checksDisposableTemplates: boolean
}

/**
 * The versions that qstate knows: the next one is an entry here, and a name in `reconciler/ports/host.ts`. 4.3 stands for 4.4 too
 * where the two are not told apart, which takes a call: what differs between them never changes what qstate sends.
 */
export const VERSIONS = {
  '4.2': {
    label: 'Qubes 4.2',
    note: null,
    endOfLife: '2026-06-21',
    listsUuids: false,
    namesRefusals: false,
    usb: 'ports',
    deniesInterfaces: false,
    fixesMaxmemWhileRunning: false,
    checksDisposableTemplates: false,
  },
  '4.3': {
    label: 'Qubes 4.3',
    note: null,
    endOfLife: null,
    listsUuids: true,
    namesRefusals: false,
    usb: 'assignments',
    deniesInterfaces: true,
    fixesMaxmemWhileRunning: false,
    checksDisposableTemplates: false,
  },
  '4.4': {
    label: 'Qubes 4.4',
    note: 'or later, which is in development',
    endOfLife: null,
    listsUuids: true,
    namesRefusals: true,
    usb: 'assignments',
    deniesInterfaces: true,
    fixesMaxmemWhileRunning: true,
    checksDisposableTemplates: true,
  },
} as const satisfies Readonly<Record<string, VersionTraits>>

export type QubesVersion = keyof typeof VERSIONS

/** A version that qstate changes. */
export type ManagedVersion = {
  [V in QubesVersion]: (typeof VERSIONS)[V]['endOfLife'] extends null ? V : never
}[QubesVersion]

export function isManaged(version: QubesVersion): version is ManagedVersion {
  return VERSIONS[version].endOfLife === null
}

/** The version as a listing of the qubes gives it away. One without qubes gives away nothing, and is not taken for an old one. */
export function listedVersion(qubes: readonly { readonly uuid: string | null }[]): '4.2' | '4.3' {
  const lacksUuids = qubes.length > 0 && qubes.every(({ uuid }) => uuid === null)
  return lacksUuids ? '4.2' : '4.3'
}

/** The same with 4.3 and 4.4 told apart, by whether the daemon names a refusal. */
export function exactVersion(listed: QubesVersion, namesRefusals: boolean): QubesVersion {
  return namesRefusals && listed === '4.3' ? '4.4' : listed
}
