import { problem, type Problem } from '../../spec/diagnostics/index.ts'
import { type Value } from '../../spec/index.ts'
import { type Change, deviceOf, isDevice } from '../plan/index.ts'
import {
  type AvailableDevice,
  hasTemplate,
  type Host,
  type HostQube,
  NO_NEEDS,
  type Observation,
  type PresentDevice,
  type UsbAssignment,
} from '../ports/index.ts'

type HarmProperty = 'audiovm' | 'auto_cleanup' | 'autostart' | 'netvm' | 'virt_mode'

/** What is known of a qube that has to do with its next start, or with its shutdown. */
export interface HarmFacts {
  readonly qube: HostQube
  readonly ownQube: string | null
  /** Another qube as it was listed; undefined where there is none, or it is not shown. */
  readonly listed: (name: string) => HostQube | undefined
  /** The qube's own, or its template's. */
  readonly model: Observation<string>
  /** The qube's own: it is never inherited. */
  readonly prohibited: Observation<string>
  readonly property: (name: HarmProperty) => Observation<string>
  readonly assigned: Observation<readonly UsbAssignment[]>
  readonly plugged: (backend: string) => Observation<readonly AvailableDevice[]>
  /** What of dom0's files keeps it from starting. */
  readonly files: Observation<Problem>
  /** Its devices that other running qubes have. */
  readonly lent: Observation<readonly LentDevice[]>
  /** Of the network qube that is started ahead of it; null: that runs, or there is none. */
  readonly network: HarmFacts | null
}

interface LentDevice extends PresentDevice {
  readonly to: string
  /** For people; empty where nothing is known. */
  readonly description: string
}

export interface HarmContext {
  readonly host: Omit<Host, 'write'>
  readonly qubes: readonly HostQube[]
}

/**
 * Reads what has to do with the next start of a qube, and with its shutdown: features, all properties at once, assignments, and of
 * devices those of the qube itself and of the qubes that required ones are from. What could not be read is unknown.
 */
export async function readHarmFacts(
  qube: HostQube,
  context: HarmContext,
  changes: readonly Change[] = [],
): Promise<HarmFacts> {
  const { host } = context
  const { name } = qube
  const inherits = hasTemplate(qube)
  const needs = {
    ...NO_NEEDS,
    features: inherits ? ['prohibit-start'] : ['prohibit-start', 'audio-model'],
    properties: [...PROPERTIES, ...(qube.klass === 'DispVM' ? ['auto_cleanup'] : [])],
    usb: true,
  }
  const [reading, inherited, lent] = await Promise.all([
    host.read(name, needs),
    inherits ? host.inheritedFeature(name, 'audio-model') : undefined,
    lentDevices(qube, context),
  ])
  const seen: HarmFacts = {
    qube,
    ownQube: host.ownQube,
    listed: (other) => context.qubes.find((one) => one.name === other),
    model: inherited ?? reading.feature('audio-model'),
    prohibited: reading.feature('prohibit-start'),
    property: (property) => (needs.properties.includes(property) ? reading.effective(property) : ABSENT),
    assigned: reading.usb(),
    plugged: () => ABSENT,
    files: await host.startObstacle(name),
    lent,
    network: null,
  }
  const facts = afterChanges(seen, changes)
  const [plugged, network] = await Promise.all([readPlugged(facts, host), readNetworkFacts(facts, context)])
  return { ...facts, plugged: (backend) => plugged.get(backend) ?? ABSENT, network }
}

const PROPERTIES: readonly HarmProperty[] = ['audiovm', 'autostart', 'netvm', 'virt_mode']

const ABSENT = { status: 'absent' } as const

/** USB devices say who has them; of block devices the qubes say what they have, and are asked only where there are any. */
async function lentDevices(
  { name }: HostQube,
  { host, qubes }: HarmContext,
): Promise<Observation<readonly LentDevice[]>> {
  const [usb, block] = await Promise.all([host.availableDevices(name), host.availableDevices(name, 'block')])
  if (usb.status === 'unknown') return usb
  const lent = devicesIn(usb).flatMap((device) =>
    device.attachedTo === null || device.attachedTo === name ? [] : [{ ...device, to: device.attachedTo }],
  )
  if (block.status === 'unknown') return block
  if (devicesIn(block).length === 0) return { status: 'present', value: lent }
  const others = qubes.filter((one) => one.name !== name && one.klass !== 'AdminVM' && one.state !== 'Halted')
  for (const other of others) {
    const has = await host.attachedDevices(other.name, 'block')
    if (has.status === 'unknown') return has
    const own = devicesIn(has).filter(({ backend }) => backend === name)
    lent.push(...own.map((device) => ({ ...describe(device, devicesIn(block)), to: other.name })))
  }
  return { status: 'present', value: lent }
}

const devicesIn = <T>(seen: Observation<readonly T[]>): readonly T[] =>
  seen.status === 'present' ? seen.value : []

function describe(device: PresentDevice, known: readonly AvailableDevice[]): AvailableDevice {
  const found = known.find(({ port }) => port === device.port)
  return { ...device, description: found?.description ?? '', attachedTo: null }
}

/** A qube that does not run shows no device. */
async function readPlugged(
  { assigned, listed }: HarmFacts,
  host: HarmContext['host'],
): Promise<ReadonlyMap<string, Observation<readonly AvailableDevice[]>>> {
  const backends = new Set(
    devicesIn(assigned).flatMap(({ mode, backend }) => (mode === 'required' ? [backend] : [])),
  )
  const asked = [...backends].filter((name) => name !== '*' && listed(name)?.state !== 'Halted')
  return new Map(
    await Promise.all(asked.map(async (name) => [name, await host.availableDevices(name)] as const)),
  )
}

/** Of the network qube that is started ahead of one; null: that runs, or there is none. */
export async function readNetworkFacts(
  { property, listed }: HarmFacts,
  context: HarmContext,
): Promise<HarmFacts | null> {
  const netvm = property('netvm')
  const network = netvm.status === 'present' && netvm.value !== '' ? listed(netvm.value) : undefined
  return network === undefined || network.state !== 'Halted' ? null : readHarmFacts(network, context)
}

/** The facts once a plan is applied. */
function afterChanges(facts: HarmFacts, changes: readonly Change[]): HarmFacts {
  if (changes.length === 0) return facts
  const planned = (path: string, seen: Observation<string>): Observation<string> => {
    const change = changes.find((one) => one.path === path)
    if (change === undefined) return seen
    const value = change.after ?? change.inherited
    if (value !== undefined && typeof value !== 'object') return { status: 'present', value: String(value) }
    return hasTemplate(facts.qube) || PATHS.has(path) ? unknownDefault(path) : ABSENT
  }
  return {
    ...facts,
    model: planned('audio/model', facts.model),
    prohibited: planned('qube/features/prohibit-start', facts.prohibited),
    property: (name) => planned(PATH_OF[name], facts.property(name)),
    assigned: afterDevices(facts.assigned, changes),
    // An apply writes its own template.
    files: changes.some(({ path }) => path === 'slic/tables') ? ABSENT : facts.files,
  }
}

const PATH_OF: Readonly<Record<HarmProperty, string>> = {
  audiovm: 'audio/audiovm',
  auto_cleanup: 'qube/properties/auto_cleanup',
  autostart: 'qube/autostart',
  netvm: 'qube/netvm',
  virt_mode: 'qube/virtMode',
}

const PATHS: ReadonlySet<string> = new Set(Object.values(PATH_OF))

const unknownDefault = (path: string): Observation<string> => ({
  status: 'unknown',
  problem: problem('not-read', `what ${path} is by default was not read`, '`qstate doctor` reads it'),
})

function afterDevices(assigned: HarmFacts['assigned'], changes: readonly Change[]): HarmFacts['assigned'] {
  if (assigned.status === 'unknown') return assigned
  const planned = changes.filter(({ path }) => isDevice(path))
  const left = devicesIn(assigned).filter((one) => planned.every(({ path }) => !isSame(path, one)))
  const added = planned.flatMap(({ path, after }): readonly UsbAssignment[] => {
    const mode = modeOf(after)
    return mode === undefined ? [] : [{ ...deviceOf(path), mode }]
  })
  return { status: 'present', value: [...left, ...added] }
}

const isSame = (path: string, one: PresentDevice): boolean => {
  const device = deviceOf(path)
  return device.backend === one.backend && device.port === one.port && device.identity === one.identity
}

const modeOf = (value: Value | null): UsbAssignment['mode'] | undefined =>
  typeof value === 'object' && value !== null && 'mode' in value ? value.mode : undefined
