import {
  type Assignment,
  ASSIGNMENT_MODES,
  type AssignmentFixture,
  assignmentKey,
  type Host,
  type HostFixture,
  labelName,
  LABELS,
  type Qube,
  type QubeFixture,
  type SimulatedVersion,
  str,
  type Value,
} from './host/index.ts'
import { definitions, readQube, restore } from './properties/index.ts'
import {
  reactAsClass,
  reactAsHost,
  reactAsQube,
  reactToExtensions,
  reactToNetwork,
  reactToPreload,
} from './reactions/index.ts'

/** Brings a host to life. Its defaults are guessed where the fixture does not name them. */
export function buildHost(fixture: HostFixture, release: SimulatedVersion, dom0Files?: string): Host {
  const host: Host = {
    release,
    qubes: new Map(),
    usb: new Map(Object.entries(fixture.usb).map(([backend, devices]) => [backend, [...devices]])),
    attachments: new Map(
      (fixture.attachments ?? []).map((item) => [`${item.backend} ${item.port}`, item.qube]),
    ),
    globals: new Map(),
    kernels: fixture.kernels ?? [],
    labels: [...LABELS, ...Object.entries(fixture.labels ?? {}).map(([name, color]) => ({ name, color }))],
    listeners: new Set(),
    // The most general comes first, as the daemon calls the handlers of a base class before those of a class.
    reactions: [reactAsHost, reactToExtensions, reactToNetwork, reactAsQube, reactToPreload, reactAsClass],
    clones: new Map(),
    startErrors: new Map(),
    ignoringShutdown: new Set(),
    dom0Files,
    uuids: fixture.uuids ?? lastUuid(fixture),
  }
  for (const qube of fixture.qubes) host.qubes.set(qube.name, buildQube(host, qube))
  numberQubes(host)
  for (const [name, value] of Object.entries(fixture.globals ?? guessGlobals(fixture))) {
    host.globals.set(name, restored(host, null, name, value))
  }
  checkReferences(host)
  for (const item of fixture.assignments ?? []) {
    const assignment = buildAssignment(item)
    host.qubes.get(item.qube)?.assignments.set(assignmentKey(assignment), assignment)
  }
  return host
}

function buildQube(host: Host, fixture: QubeFixture): Qube {
  const qube: Qube = {
    name: fixture.name,
    klass: fixture.class,
    state: fixture.class === 'AdminVM' || fixture.class === 'RemoteVM' ? 'Running' : fixture.state,
    tools: fixture.tools ?? false,
    tags: new Set(fixture.tags),
    features: new Map(Object.entries(fixture.features)),
    properties: new Map(),
    assignments: new Map(),
    starts: fixture.starts ?? 0,
    volumes: new Map(Object.entries(fixture.volumes ?? {})),
  }
  for (const [name, text] of Object.entries(fixture.properties)) {
    qube.properties.set(name, restored(host, qube, name, text))
  }
  if (qube.klass !== 'AdminVM') {
    qube.properties.set('name', fixture.name)
    qube.properties.set('uuid', fixture.uuid)
  }
  return qube
}

function restored(host: Host, qube: Qube | null, name: string, text: string): Value {
  const found = definitions(host, qube).find((candidate) => candidate.name === name)
  // A property that only another release has is kept, unread.
  if (!found) return text
  const at = `fixture: ${qube?.name ?? 'globals'}.${name}`
  try {
    const value = restore(found, text)
    if (found.kind === 'label') labelName(host.labels, text)
    if (found.kind === 'int' && value === null && text !== '') throw new Error('not a number')
    return value
  } catch (error) {
    throw new Error(`${at}: ${JSON.stringify(text)} is no ${found.kind}`, { cause: error })
  }
}

/** What the daemon would not have let in: references to nothing, and qubes that are each other's network. */
function checkReferences(host: Host): void {
  for (const qube of [null, ...host.qubes.values()]) {
    for (const found of definitions(host, qube).filter((candidate) => candidate.kind === 'vm')) {
      const value = (qube?.properties ?? host.globals).get(found.name)
      const at = `fixture: ${qube?.name ?? 'globals'}.${found.name}`
      const target = typeof value === 'string' ? host.qubes.get(value) : undefined
      if (typeof value === 'string' && !target) throw new Error(`${at}: there is no qube ${value}`)
      if (target && found.class && target.klass !== found.class) {
        throw new Error(`${at}: ${target.name} is a ${target.klass}, not a ${found.class}`)
      }
      if (found.name === 'template' && !target) throw new Error(`${at}: a template is needed`)
    }
  }
  for (const qube of host.qubes.values()) {
    const seen = new Set<Qube>()
    for (let at: Qube | undefined = qube; at; at = readQube(host, at, 'netvm')) {
      if (seen.has(at)) throw new Error(`fixture: ${qube.name}.netvm: a loop in the network`)
      seen.add(at)
    }
  }
}

function numberQubes(host: Host): void {
  const used = new Set([...host.qubes.values()].map((qube) => str(qube.properties.get('qid') ?? 0)))
  let next = 1
  for (const qube of host.qubes.values()) {
    if (qube.klass === 'AdminVM' || qube.properties.has('qid')) continue
    while (used.has(String(next))) next++
    used.add(String(next))
    qube.properties.set('qid', next)
  }
}

/** What an installation sets: a firewall for the network, a template for new qubes, no kernel of dom0's. */
function guessGlobals(fixture: HostFixture): Record<string, string> {
  const providers = fixture.qubes.filter((qube) => qube.properties['provides_network'] === 'True')
  const netvm = providers.find((qube) => qube.name === 'sys-firewall') ?? providers[0]
  const template = fixture.qubes.find((qube) => qube.class === 'TemplateVM')
  return {
    default_kernel: '',
    default_pool: 'varlibqubes',
    default_pool_kernel: 'linux-kernel',
    ...(netvm ? { default_netvm: netvm.name } : {}),
    ...(template ? { default_template: template.name } : {}),
  }
}

function lastUuid(fixture: HostFixture): number {
  const generated = fixture.qubes.map((qube) => /^00000000-0000-4000-8000-([0-9]{12})$/.exec(qube.uuid)?.[1])
  return Math.max(0, ...generated.map((digits) => Number(digits ?? 0)))
}

function buildAssignment(item: AssignmentFixture): Assignment {
  return {
    backend: item.backend === '*' ? null : item.backend,
    port: item.port_id,
    deviceId: item.device_id,
    mode: ASSIGNMENT_MODES.find((mode) => mode === item.mode) ?? 'auto-attach',
    frontend: item.frontend_domain,
    options: new Map(Object.entries(item.options)),
  }
}

/** A value as qubes.xml holds it, for the state file. */
export function printForState(value: Value): string {
  return value === null ? '' : str(value)
}
