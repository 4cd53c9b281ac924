import {
  asBoolean,
  asCount,
  asList,
  asObject,
  asString,
  asStringOrNull,
  asStringRecord,
  asStrings,
  refuseOthers,
  wrong,
} from './json-shape.ts'
import { BEHAVIOUR, isSimulatedVersion, type SimulatedVersion } from './release.ts'

/**
 * A host in neutral form, as recorded from real qubesd. What a running simulator adds to it (assignments,
 * attachments, settings of the host itself) is optional, so a saved state is a fixture too.
 */
export interface HostFixture {
  readonly release: SimulatedVersion
  readonly qubes: readonly QubeFixture[]
  /** USB devices by the qube that exposes them. */
  readonly usb: Readonly<Record<string, readonly UsbFixture[]>>
  readonly assignments?: readonly AssignmentFixture[]
  readonly attachments?: readonly AttachmentFixture[]
  /** Properties of the host itself that are set, such as `default_netvm`. Guessed from the qubes if absent. */
  readonly globals?: Readonly<Record<string, string>>
  /** Kernels that dom0 has installed; none if absent. */
  readonly kernels?: readonly string[]
  /** Labels beside the eight that every host has, with their colours. */
  readonly labels?: Readonly<Record<string, string>>
  /** The number that the last generated uuid ended in. */
  readonly uuids?: number
}

export interface QubeFixture {
  readonly name: string
  readonly class: QubeClass
  readonly state: PowerState
  readonly uuid: string
  readonly tags: readonly string[]
  readonly features: Readonly<Record<string, string>>
  /** Only what is set; everything else has its default. As text, the way qubes.xml holds it. */
  readonly properties: Readonly<Record<string, string>>
  /** Windows Tools are installed: they announce themselves at every start. */
  readonly tools?: boolean
  /** Starts so far: another start is another start time. */
  readonly starts?: number
  /** Bytes of the volumes that have been resized. */
  readonly volumes?: Readonly<Record<string, number>>
}

export type QubeClass = 'AdminVM' | 'AppVM' | 'DispVM' | 'RemoteVM' | 'StandaloneVM' | 'TemplateVM'
/** Those that libvirt tells and that last; a qube goes through others on its way from one to the next. */
export type PowerState = 'Halted' | 'Running' | 'Paused' | 'Suspended' | 'Crashed'

export interface UsbFixture {
  readonly port: string
  readonly vendor_product: string
  readonly serial: string | null
  readonly interfaces: readonly string[]
  readonly vendor: string | null
  readonly product: string | null
  readonly manufacturer: string | null
  readonly name: string | null
}

export interface AssignmentFixture {
  readonly qube: string
  readonly backend: string
  readonly port_id: string
  readonly device_id: string
  readonly mode: string
  readonly frontend_domain: string | null
  readonly options: Readonly<Record<string, string>>
}

interface AttachmentFixture {
  readonly backend: string
  readonly port: string
  readonly qube: string
}

const CLASSES: readonly QubeClass[] = ['AdminVM', 'AppVM', 'DispVM', 'RemoteVM', 'StandaloneVM', 'TemplateVM']
const STATES: readonly PowerState[] = ['Halted', 'Running', 'Paused', 'Suspended', 'Crashed']

/** Reads a fixture from unknown JSON; throws an Error that says where it is wrong. */
export function parseFixture(value: unknown): HostFixture {
  const root = asObject(value, 'fixture')
  const known = [
    'release',
    'qubes',
    'usb',
    'assignments',
    'attachments',
    'globals',
    'kernels',
    'labels',
    'uuids',
  ]
  refuseOthers(root, known, 'fixture')
  if (!isSimulatedVersion(root['release'])) {
    throw wrong('fixture.release', `one of ${Object.keys(BEHAVIOUR).join(', ')}`)
  }
  const qubes = asList(root['qubes'], 'fixture.qubes').map((item, i) =>
    parseQube(item, `fixture.qubes[${i}]`),
  )
  checkQubes(qubes)
  const usb = Object.entries(asObject(root['usb'], 'fixture.usb')).map(([backend, devices]) => {
    const at = `fixture.usb.${backend}`
    if (!qubes.some((qube) => qube.name === backend)) throw new Error(`${at}: there is no such qube`)
    return [backend, asList(devices, at).map((item, i) => parseUsb(item, `${at}[${i}]`))] as const
  })
  return {
    release: root['release'],
    qubes,
    usb: Object.fromEntries(usb),
    ...optional(root, 'assignments', (list, at) =>
      asList(list, at).map((item, i) => parseAssignment(item, `${at}[${i}]`)),
    ),
    ...optional(root, 'attachments', (list, at) =>
      asList(list, at).map((item, i) => parseAttachment(item, `${at}[${i}]`)),
    ),
    ...optional(root, 'globals', asStringRecord),
    ...optional(root, 'kernels', asStrings),
    ...optional(root, 'labels', asStringRecord),
    ...optional(root, 'uuids', asCount),
  }
}

function optional<K extends string, V>(
  object: Readonly<Record<string, unknown>>,
  key: K,
  parse: (value: unknown, at: string) => V,
): Partial<Record<K, V>> {
  if (object[key] === undefined) return {}
  return { [key]: parse(object[key], `fixture.${key}`) } as Partial<Record<K, V>>
}

function parseQube(value: unknown, at: string): QubeFixture {
  const qube = asObject(value, at)
  refuseOthers(
    qube,
    ['name', 'class', 'state', 'uuid', 'tags', 'features', 'properties', 'tools', 'starts', 'volumes'],
    at,
  )
  const qubeClass = CLASSES.find((known) => known === qube['class'])
  if (qubeClass === undefined) throw wrong(`${at}.class`, `one of ${CLASSES.join(', ')}`)
  const state = STATES.find((known) => known === qube['state'])
  if (state === undefined) throw wrong(`${at}.state`, `one of ${STATES.join(', ')}`)
  const name = asString(qube['name'], `${at}.name`)
  if (!/^[a-zA-Z][a-zA-Z0-9_.-]{0,30}$/.test(name)) throw wrong(`${at}.name`, 'a qube name')
  const uuid = asString(qube['uuid'], `${at}.uuid`)
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) throw wrong(`${at}.uuid`, 'a uuid')
  return {
    name,
    class: qubeClass,
    state,
    uuid,
    tags: asStrings(qube['tags'], `${at}.tags`),
    features: asStringRecord(qube['features'], `${at}.features`),
    properties: asStringRecord(qube['properties'], `${at}.properties`),
    ...(qube['tools'] === undefined ? {} : { tools: asBoolean(qube['tools'], `${at}.tools`) }),
    ...(qube['starts'] === undefined ? {} : { starts: asCount(qube['starts'], `${at}.starts`) }),
    ...(qube['volumes'] === undefined ? {} : { volumes: parseVolumes(qube['volumes'], `${at}.volumes`) }),
  }
}

function parseVolumes(value: unknown, at: string): Record<string, number> {
  const sizes = Object.entries(asObject(value, at))
  return Object.fromEntries(sizes.map(([name, size]) => [name, asCount(size, `${at}.${name}`)]))
}

function checkQubes(qubes: readonly QubeFixture[]): void {
  const names = qubes.map((qube) => qube.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Error(`fixture.qubes: ${twice} is there twice`)
  const admins = qubes.filter((qube) => qube.class === 'AdminVM')
  if (admins.length !== 1 || admins[0]?.name !== 'dom0') {
    throw new Error('fixture.qubes: exactly one AdminVM is needed, named dom0')
  }
}

function parseUsb(value: unknown, at: string): UsbFixture {
  const device = asObject(value, at)
  const texts = ['vendor', 'product', 'manufacturer', 'name'] as const
  refuseOthers(device, ['port', 'vendor_product', 'serial', 'interfaces', ...texts], at)
  const port = asString(device['port'], `${at}.port`)
  if (!/^[0-9]+-[0-9]+(\.[0-9]+)*$/.test(port)) throw wrong(`${at}.port`, 'a port such as 2-1 or 2-1.4')
  const vendorProduct = asString(device['vendor_product'], `${at}.vendor_product`)
  if (!/^[0-9a-f]{4}:[0-9a-f]{4}$/.test(vendorProduct))
    throw wrong(`${at}.vendor_product`, 'vvvv:pppp in hex')
  const interfaces = asStrings(device['interfaces'], `${at}.interfaces`)
  const bad = interfaces.findIndex((text) => !/^[0-9a-f]{6}$/.test(text))
  if (bad !== -1) throw wrong(`${at}.interfaces[${bad}]`, 'six hex digits')
  const text = (key: (typeof texts)[number]): string | null => asStringOrNull(device[key], `${at}.${key}`)
  return {
    port,
    vendor_product: vendorProduct,
    serial: asStringOrNull(device['serial'], `${at}.serial`),
    interfaces,
    vendor: text('vendor'),
    product: text('product'),
    manufacturer: text('manufacturer'),
    name: text('name'),
  }
}

function parseAssignment(value: unknown, at: string): AssignmentFixture {
  const item = asObject(value, at)
  const texts = ['qube', 'backend', 'port_id', 'device_id', 'mode'] as const
  refuseOthers(item, [...texts, 'frontend_domain', 'options'], at)
  const text = (key: (typeof texts)[number]): string => asString(item[key], `${at}.${key}`)
  return {
    qube: text('qube'),
    backend: text('backend'),
    port_id: text('port_id'),
    device_id: text('device_id'),
    mode: text('mode'),
    frontend_domain: asStringOrNull(item['frontend_domain'], `${at}.frontend_domain`),
    options: asStringRecord(item['options'], `${at}.options`),
  }
}

function parseAttachment(value: unknown, at: string): AttachmentFixture {
  const item = asObject(value, at)
  refuseOthers(item, ['backend', 'port', 'qube'], at)
  return {
    backend: asString(item['backend'], `${at}.backend`),
    port: asString(item['port'], `${at}.port`),
    qube: asString(item['qube'], `${at}.qube`),
  }
}
