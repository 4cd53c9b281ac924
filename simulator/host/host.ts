import {
  type AssignmentFixture,
  type HostFixture,
  type PowerState,
  type QubeClass,
  type QubeFixture,
  type UsbFixture,
} from './fixture.ts'
import { type Label, LABELS } from './labels.ts'
import { byCodePoint, type Value } from './python.ts'
import { type SimulatedVersion } from './release.ts'

/** A qube of the simulated host. Maps and sets keep insertion order, as the daemon's own do. */
export interface Qube {
  readonly name: string
  readonly klass: QubeClass
  state: PowerState
  /** Starts since the simulator began: another start is another start time. */
  starts: number
  readonly tools: boolean
  readonly tags: Set<string>
  readonly features: Map<string, string>
  /** Only what is set. A qube is held by name. */
  readonly properties: Map<string, Value>
  /** By `assignmentKey`. */
  readonly assignments: Map<string, Assignment>
  /** Bytes of the volumes that have been resized. */
  readonly volumes: Map<string, number>
}

export interface Assignment {
  /** `null` stands for any backend. */
  readonly backend: string | null
  readonly port: string
  readonly deviceId: string
  readonly mode: AssignmentMode
  /** Only if the client said so; it is printed back. */
  readonly frontend: string | null
  readonly options: ReadonlyMap<string, string>
}

export type AssignmentMode = 'manual' | 'ask-to-attach' | 'auto-attach' | 'required'
export const ASSIGNMENT_MODES: readonly AssignmentMode[] = [
  'manual',
  'ask-to-attach',
  'auto-attach',
  'required',
]

/** What an event carries beside its name; printed only when it is sent. */
type Fields = Readonly<Record<string, Value>>

/** Something happened to a qube, or, with no subject, to the host. */
export interface HostEvent {
  readonly subject: Qube | null
  readonly name: string
  readonly fields: Fields
}

export type Listener = (event: HostEvent) => void

export interface Host {
  readonly release: SimulatedVersion
  readonly qubes: Map<string, Qube>
  readonly usb: Map<string, UsbFixture[]>
  /** Which qube a device is attached to, by `backend port`. */
  readonly attachments: Map<string, string>
  readonly globals: Map<string, Value>
  readonly kernels: readonly string[]
  readonly labels: Label[]
  readonly listeners: Set<Listener>
  /** What the daemon's own handlers do about an event: before it is sent, for a pre-event after. */
  readonly reactions: readonly Reaction[]
  /** What can be copied with which token; `null` once it has been. A restart of the daemon forgets them. */
  readonly clones: Map<string, { readonly qube: Qube; readonly volume: string } | null>
  /** What happens beside requests: which qubes libvirt does not start, and why; which guests do not shut down. */
  readonly startErrors: Map<string, string>
  readonly ignoringShutdown: Set<string>
  /** Where the files of dom0 are, for those that a start reads; absent if there are none. */
  readonly dom0Files: string | undefined
  uuids: number
}

export type Reaction = (host: Host, event: HostEvent) => void

/** dom0 first, then by name: the order in which the daemon goes through its qubes. */
export function qubesInOrder(host: Host): Qube[] {
  return [...host.qubes.values()].sort((a, b) =>
    a.name === 'dom0' ? -1 : b.name === 'dom0' ? 1 : byCodePoint(a.name, b.name),
  )
}

/** Paused counts: the domain exists. dom0 and remote qubes always run. */
export function isRunning(qube: Qube): boolean {
  return qube.state !== 'Halted'
}

export function isHalted(qube: Qube): boolean {
  return qube.state === 'Halted'
}

/** A local qube with a disk, as opposed to dom0 and to a qube of another host. */
export function isOrdinary(qube: Qube): boolean {
  return qube.klass !== 'AdminVM' && qube.klass !== 'RemoteVM'
}

export function hasTemplate(qube: Qube): boolean {
  return qube.klass === 'AppVM' || qube.klass === 'DispVM'
}

export function assignmentKey(assignment: Pick<Assignment, 'backend' | 'port' | 'deviceId'>): string {
  return `${assignment.backend ?? '*'} ${assignment.port} ${assignment.deviceId}`
}

/** Tells everybody who listens. A qube that is not (or no longer) of the host is heard only by name. */
function send(host: Host, event: HostEvent): void {
  for (const listener of host.listeners) listener(event)
}

/** Fires an event that reports what is done: the daemon's handlers come first, then the listeners. */
export function fire(host: Host, subject: Qube | null, name: string, fields: Fields = {}): void {
  const event = { subject, name, fields }
  for (const react of host.reactions) react(host, event)
  send(host, event)
}

/** Fires an event about what is going to happen: listeners hear of it even if a handler then refuses. */
export function firePre(host: Host, subject: Qube | null, name: string, fields: Fields = {}): void {
  const event = { subject, name, fields }
  send(host, event)
  for (const react of [...host.reactions].reverse()) react(host, event)
}

/** The host as a fixture, with all that the simulator knows beyond one. */
export function toFixture(
  host: Host,
  print: (qube: Qube | null, name: string, value: Value) => string,
): HostFixture {
  const settings = (qube: Qube | null, values: ReadonlyMap<string, Value>): Record<string, string> =>
    Object.fromEntries([...values].map(([name, value]) => [name, print(qube, name, value)]))
  return {
    release: host.release,
    qubes: qubesInOrder(host).map((qube): QubeFixture => ({
      name: qube.name,
      class: qube.klass,
      state: qube.state,
      uuid: String(qube.properties.get('uuid') ?? '00000000-0000-0000-0000-000000000000'),
      tags: [...qube.tags].sort(byCodePoint),
      features: Object.fromEntries(qube.features),
      properties: settings(qube, qube.properties),
      ...(qube.tools ? { tools: true } : {}),
      ...(qube.starts > 0 ? { starts: qube.starts } : {}),
      ...(qube.volumes.size > 0 ? { volumes: Object.fromEntries(qube.volumes) } : {}),
    })),
    usb: Object.fromEntries(host.usb),
    assignments: qubesInOrder(host).flatMap((qube) =>
      [...qube.assignments.values()].map((assignment) => assignmentToFixture(qube, assignment)),
    ),
    attachments: [...host.attachments].map(([key, qube]) => {
      const [backend = '', port = ''] = key.split(' ')
      return { backend, port, qube }
    }),
    globals: settings(null, host.globals),
    kernels: host.kernels,
    labels: Object.fromEntries(host.labels.slice(LABELS.length).map(({ name, color }) => [name, color])),
    uuids: host.uuids,
  }
}

function assignmentToFixture(qube: Qube, assignment: Assignment): AssignmentFixture {
  return {
    qube: qube.name,
    backend: assignment.backend ?? '*',
    port_id: assignment.port,
    device_id: assignment.deviceId,
    mode: assignment.mode,
    frontend_domain: assignment.frontend,
    options: Object.fromEntries(assignment.options),
  }
}
