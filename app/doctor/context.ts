import { type AvailableDevice, listAvailable } from '../../qubesd/index.ts'
import {
  type Host,
  type HostQube,
  mapLimited,
  type Observation,
  type QubesVersion,
} from '../../reconciler/index.ts'
import { type DesiredState, SLIC_TABLES } from '../../spec/index.ts'
import { type Asking, attempt } from './asking.ts'
import { type Dom0 } from './dom0.ts'
import { type Patient, readPatient } from './qube-facts.ts'

/** Everything that checks of the host look at: read once, then only judged. */
export interface Scene {
  readonly asking: Asking
  readonly host: Host
  readonly dom0: Dom0
  readonly version: QubesVersion
  /** This qube's name, for policy lines. */
  readonly source: string
  readonly qubes: readonly HostQube[]
  /** What the spec wants; null without a spec. */
  readonly desired: DesiredState | null
  readonly patients: readonly Patient[]
  /** Qubes that would not say whether they are Windows. */
  readonly unasked: readonly string[]
  /** USB devices by running qube: absent where it has none. */
  readonly plugged: ReadonlyMap<string, Observation<readonly AvailableDevice[]>>
}

export interface Found {
  readonly windows: readonly HostQube[]
  readonly unasked: readonly string[]
}

export async function readScene(
  start: Omit<Scene, 'patients' | 'plugged' | 'unasked'>,
  { windows, unasked }: Found,
): Promise<Scene> {
  const { asking, desired, qubes, version } = start
  const [patients, plugged] = await Promise.all([
    mapLimited(windows, 4, (qube) =>
      readPatient(qube, {
        client: asking.client,
        version,
        qubes,
        wanted: desired?.qubes.get(qube.name) ?? null,
      }),
    ),
    readPlugged(start),
  ])
  return { ...start, patients, plugged, unasked }
}

/** Only a running qube tells its devices. From a management qube policy is asked about those that the spec names. */
async function readPlugged(
  start: Omit<Scene, 'patients' | 'plugged' | 'unasked'>,
): Promise<Scene['plugged']> {
  const { asking, desired, qubes, version } = start
  const all = qubes.filter(({ klass, state }) => klass !== 'AdminVM' && state === 'Running')
  const named = desired === null ? new Set<string>() : backendsIn(desired)
  const few = asking.client.transport.kind === 'qrexec' && desired !== null
  const asked = few ? all.filter(({ name }) => named.has(name)) : all
  const found = await mapLimited(
    asked,
    8,
    async ({ name }) => [name, await attempt(() => listAvailable(asking.client, version, name))] as const,
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

/** Tables that the spec asks of the host. */
export const wantedTables = (desired: DesiredState | null): ReadonlySet<string> =>
  new Set(
    [...(desired?.qubes.values() ?? [])].flatMap(({ settings }) => {
      const value = settings.get(SLIC_TABLES)?.value
      return Array.isArray(value) ? (value as readonly string[]) : []
    }),
  )
