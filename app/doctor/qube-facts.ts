import {
  type Assignment,
  type Client,
  getFeature,
  getInheritedFeature,
  listAssigned,
} from '../../qubesd/index.ts'
import { hasTemplate, type HostQube, type Observation, type QubesVersion } from '../../reconciler/index.ts'
import { type DesiredQube, RECORD_FEATURE } from '../../spec/index.ts'
import { readProperties } from '../host/index.ts'
import { attempt, unseenFor } from './asking.ts'

/** What checks read of a qube: its template counts too. */
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
  'kernel',
  'maxmem',
  'memory',
  'qrexec_timeout',
  'template',
  'uuid',
  'virt_mode',
] as const

type PropertyName = (typeof PROPERTIES)[number]
type FeatureName = (typeof FEATURES)[number]

/** A Windows qube, as far as it could be read. */
export interface Patient {
  readonly qube: HostQube
  /** What the spec wants of it; null where it does not name it. */
  readonly wanted: DesiredQube | null
  readonly version: QubesVersion
  /** All qubes of the host. */
  readonly qubes: readonly HostQube[]
  /** What counts: the qube's own, or its template's. */
  readonly feature: (name: FeatureName) => Observation<string>
  /** What counts, default or set. */
  readonly property: (name: PropertyName) => Observation<string>
  readonly assigned: Observation<readonly Assignment[]>
  /** Text of the ownership record. Never inherited. */
  readonly record: Observation<string>
}

export interface PatientContext {
  readonly client: Client
  readonly version: QubesVersion
  readonly qubes: readonly HostQube[]
  readonly wanted: DesiredQube | null
}

/** One question a feature, and one for all properties: what is needed, and nothing of other qubes. */
export async function readPatient(qube: HostQube, context: PatientContext): Promise<Patient> {
  const { client, version, qubes, wanted } = context
  // Without a template there is nothing to inherit, and `Get` is what policy allows for plan and apply anyhow.
  const get = hasTemplate(qube) ? getInheritedFeature : getFeature
  const [features, properties, assigned, record] = await Promise.all([
    Promise.all(
      FEATURES.map(async (name) => [name, await attempt(() => get(client, qube.name, name))] as const),
    ),
    readProperties(client, qube.name, PROPERTIES, unseenFor),
    attempt(() => listAssigned(client, version, qube.name)),
    attempt(() => getFeature(client, qube.name, RECORD_FEATURE)),
  ])
  const byName = new Map(features)
  return {
    qube,
    wanted,
    version,
    qubes,
    assigned,
    record,
    feature: (name) => byName.get(name) ?? { status: 'absent' },
    property(name) {
      const property = properties(name) ?? { status: 'absent' }
      return property.status === 'present' ? { status: 'present', value: property.value.value } : property
    },
  }
}
