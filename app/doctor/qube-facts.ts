import {
  hasTemplate,
  type Host,
  type HostQube,
  NO_NEEDS,
  type Observation,
  type QubesVersion,
  type UsbAssignment,
} from '../../reconciler/index.ts'
import { type DesiredQube, RECORD_FEATURE } from '../../spec/index.ts'

/** What checks read of a qube, or of its template. */
const FEATURES = [
  'audio-model',
  'gui',
  'gui-emulated',
  'linux-stubdom',
  'os',
  'qrexec',
  'stubdom-qrexec',
  'timezone',
] as const

/** The same of properties. */
const PROPERTIES = [
  'audiovm',
  'autostart',
  'kernel',
  'maxmem',
  'memory',
  'qrexec_timeout',
  'template',
  'uuid',
  'netvm',
  'virt_mode',
] as const

type PropertyName = (typeof PROPERTIES)[number]
type FeatureName = (typeof FEATURES)[number]

/** A Windows qube, as far as it could be read. */
export interface WindowsQube {
  readonly qube: HostQube
  /** What the spec wants of it; null where it does not name it. */
  readonly wanted: DesiredQube | null
  readonly version: QubesVersion
  /** All qubes of the host. */
  readonly qubes: readonly HostQube[]
  /** The qube's own, or its template's. */
  readonly feature: (name: FeatureName) => Observation<string>
  /** As it takes effect, default or set. */
  readonly property: (name: PropertyName) => Observation<string>
  /** Its own: a template's keeps the template alone from starting. */
  readonly prohibited: Observation<string>
  readonly assigned: Observation<readonly UsbAssignment[]>
  /** Text of the ownership record. Never inherited. */
  readonly record: Observation<string>
}

export interface WindowsQubeContext {
  readonly host: Pick<Host, 'inheritedFeature' | 'read'>
  readonly version: QubesVersion
  readonly qubes: readonly HostQube[]
  readonly wanted: DesiredQube | null
}

/** One question a feature, and one for all properties: what is needed, and nothing of other qubes. */
export async function readWindowsQube(
  qube: HostQube,
  { host, version, qubes, wanted }: WindowsQubeContext,
): Promise<WindowsQube> {
  // Without a template there is nothing to inherit, and `Get` is what policy allows for plan and apply anyhow.
  const inherits = hasTemplate(qube)
  const own = ['prohibit-start', RECORD_FEATURE]
  const features = inherits ? own : [...FEATURES, ...own]
  const [inherited, reading] = await Promise.all([
    inherits
      ? Promise.all(
          FEATURES.map(async (name) => [name, await host.inheritedFeature(qube.name, name)] as const),
        )
      : [],
    host.read(qube.name, { ...NO_NEEDS, features, properties: PROPERTIES, usb: true }),
  ])
  const byName = new Map<string, Observation<string>>(inherited)
  return {
    qube,
    wanted,
    version,
    qubes,
    prohibited: reading.feature('prohibit-start'),
    assigned: reading.usb(),
    record: reading.feature(RECORD_FEATURE),
    feature: (name) => byName.get(name) ?? reading.feature(name),
    property: (name) => reading.effective(name),
  }
}
