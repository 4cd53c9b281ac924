import {
  type AvailableDevice,
  type Host,
  type HostQube,
  mapLimited,
  type Observation,
  type QubesVersion,
} from '../../reconciler/index.ts'
import { type SourceRange } from '../../spec/diagnostics/index.ts'
import { type DesiredState, SLIC_TABLES } from '../../spec/index.ts'
import { type Connection } from '../host/index.ts'
import { type Dom0 } from './dom0.ts'
import { type FoundWindows } from './find-windows.ts'
import { readWindowsQube, type WindowsQube } from './qube-facts.ts'

/** Everything that checks of the host look at: read once, then only judged. No check writes. */
export interface CheckContext {
  readonly host: Omit<Host, 'write'>
  readonly recordingDenials: Connection['recordingDenials']
  readonly dom0: Dom0
  readonly version: QubesVersion
  /** Where lock, receipts and history are kept, and whether they are there after the next start of this machine. */
  readonly stateFolder: { readonly path: string; readonly stays: boolean }
  /** This qube's name, for policy lines. */
  readonly machine: string
  readonly qubes: readonly HostQube[]
  /** What the spec declares; null without a spec. */
  readonly desired: DesiredState | null
  readonly windows: readonly WindowsQube[]
  /** Qubes of which it is not known whether they are Windows. */
  readonly unasked: readonly string[]
  /** USB devices by running qube: absent where it has none. */
  readonly plugged: ReadonlyMap<string, Observation<readonly AvailableDevice[]>>
}

/** What is known before the first qube is read. */
export type CheckStart = Omit<CheckContext, 'windows' | 'plugged' | 'unasked'>

export async function readContext(
  start: CheckStart,
  { windows, unasked }: FoundWindows,
): Promise<CheckContext> {
  const { desired } = start
  const [qubes, plugged] = await Promise.all([
    mapLimited(windows, 4, (qube) =>
      readWindowsQube(qube, { ...start, wanted: desired?.qubes.get(qube.name) ?? null }),
    ),
    readPlugged(start),
  ])
  return { ...start, windows: qubes, plugged, unasked }
}

/** Only a running qube tells its devices. From a management qube policy is asked about those that the spec names. */
async function readPlugged({ host, desired, qubes }: CheckStart): Promise<CheckContext['plugged']> {
  const all = qubes.filter(({ klass, state }) => klass !== 'AdminVM' && state === 'Running')
  const named = desired === null ? new Set<string>() : backendsIn(desired)
  const few = host.hasPolicy && desired !== null
  const asked = few ? all.filter(({ name }) => named.has(name)) : all
  const found = await mapLimited(
    asked,
    8,
    async ({ name }) => [name, await host.availableDevices(name)] as const,
  )
  return new Map(found)
}

const backendsIn = (desired: DesiredState): ReadonlySet<string> =>
  new Set(
    [...desired.qubes.values()].flatMap(({ settings }) =>
      [...settings.values()].flatMap(({ path, value }) => {
        const backend = /^usb\/([^+/]+)\+/.exec(path)?.[1]
        return backend === undefined || value === null ? [] : [backend]
      }),
    ),
  )

/** Tables that the spec asks of the host, each with a line that does. */
export type WantedTables = ReadonlyMap<string, SourceRange>

export const wantedTables = (desired: DesiredState | null): WantedTables =>
  new Map(
    [...(desired?.qubes.values() ?? [])].flatMap(({ settings }) => {
      const setting = settings.get(SLIC_TABLES)
      if (setting === undefined || !Array.isArray(setting.value)) return []
      return (setting.value as readonly string[]).map((table) => [table, setting.position] as const)
    }),
  )
