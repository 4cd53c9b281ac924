import {
  type Host,
  propertyValueError,
  type Qube,
  type QubeClass,
  qubesInOrder,
  str,
  unhandled,
  type Value,
  valueError,
} from '../host/index.ts'
import { type PropertyDefinition, type Reader } from './definition.ts'

/** The network side of a qube: who provides it, and the addresses that follow from it. */
export function properties(klass: QubeClass): PropertyDefinition[] {
  const computed = (name: string, value: (reader: Reader) => Value | undefined): PropertyDefinition => ({
    name,
    kind: 'str',
    stage: 2,
    forbidden: true,
    default: value,
  })
  return [
    computed('dns', (r) => (isNetworked(r) ? '10.139.1.1 10.139.1.2' : null)),
    computed('gateway', (r) => (r.read('provides_network') === true ? r.read('visible_ip') : null)),
    computed('gateway6', (r) =>
      hasIp6(r) && r.read('provides_network') === true ? r.read('visible_ip6') : null,
    ),
    {
      name: 'ip',
      kind: 'str',
      parsed: 'IPv4Address',
      stage: 2,
      default: (r) => (isNetworked(r) ? ip(r) : null),
    },
    {
      name: 'ip6',
      kind: 'str',
      parsed: 'IPv6Address',
      stage: 2,
      default: (r) => (isNetworked(r) && hasIp6(r) ? ip6(r) : null),
    },
    { name: 'mac', kind: 'str', stage: 2, default: () => '00:16:3e:5e:6c:00', set: setMac },
    {
      name: 'netvm',
      kind: 'vm',
      stage: 4,
      nullable: true,
      // A template has no network unless it is given one.
      default: klass === 'TemplateVM' ? () => null : (r) => r.read('@default_netvm'),
      set: setNetvm,
    },
    { name: 'provides_network', kind: 'bool', stage: 2, default: () => false, set: setProvidesNetwork },
    computed('visible_gateway', (r) => fake(r, 'net.fake-gateway') ?? ofNetvm(r, 'gateway')),
    computed('visible_gateway6', (r) => (hasIp6(r) ? ofNetvm(r, 'gateway6') : null)),
    computed('visible_ip', (r) => fake(r, 'net.fake-ip') ?? r.read('ip')),
    computed('visible_ip6', (r) => r.read('ip6')),
    computed('visible_netmask', (r) => fake(r, 'net.fake-netmask') ?? netmask(r)),
  ]
}

/** The qubes whose network this one provides, in the daemon's order. */
export function connected(host: Host, netvm: Qube, read: (qube: Qube) => Value | undefined): Qube[] {
  return qubesInOrder(host).filter((qube) => read(qube) === netvm.name)
}

/** Whether `candidate` is `qube` or gets its network from it, at whatever distance. */
function wouldLoop(reader: Reader, qube: Qube, candidate: Qube): boolean {
  const seen = new Set<Qube>()
  for (
    let at: Qube | undefined = candidate;
    at && !seen.has(at);
    at = reader.qube(reader.read('netvm', at))
  ) {
    if (at === qube) return true
    seen.add(at)
  }
  return false
}

export function setNetvm(value: Value, reader: Reader): Value {
  const netvm = reader.qube(value)
  if (!netvm) return null
  if (netvm.klass === 'AdminVM') throw unhandled('dom0 has no provides_network')
  if (reader.read('provides_network', netvm) !== true) {
    throw valueError(`The ${netvm.name} qube does not provide network`)
  }
  if (reader.holder && wouldLoop(reader, reader.holder, netvm))
    throw valueError('Loops in network are unsupported')
  return value
}

/** The host's default: refused where a qube that has it would become its own network. */
export function setDefaultNetvm(value: Value, reader: Reader): Value {
  const netvm = reader.qube(value)
  if (!netvm) return null
  for (const qube of qubesInOrder(reader.host)) {
    if (reader.read('netvm', qube) === undefined || qube.properties.has('netvm')) continue
    if (wouldLoop(reader, qube, netvm)) {
      throw propertyValueError(`Network loop on '${qube.name}'`)
    }
  }
  return value
}

function setProvidesNetwork(value: Value, reader: Reader): Value {
  const { holder } = reader
  if (
    value !== true &&
    holder &&
    connected(reader.host, holder, (qube) => reader.read('netvm', qube)).length > 0
  ) {
    throw valueError("The qube is still used by other qubes, change theirs 'netvm' first")
  }
  return value
}

function setMac(value: Value): Value {
  const mac = str(value).toLowerCase()
  if (!/^([0-9a-f][0-9a-f]:){5}[0-9a-f][0-9a-f]$/.test(mac)) throw unhandled('invalid MAC address')
  return mac
}

function isNetworked(reader: Reader): boolean {
  return reader.read('provides_network') === true || Boolean(reader.read('netvm'))
}

function ip(reader: Reader): Value {
  if (reader.holder?.klass === 'DispVM') return address('10.138', Number(reader.read('dispid') ?? 0))
  return address('10.137', Number(reader.read('qid') ?? 0))
}

/** Keeps clear of .0 and .255; low numbers stay what they always were. */
function address(prefix: string, id: number): string {
  if (id < 255) return `${prefix}.0.${id}`
  return `${prefix}.${Math.floor((id - 1) / 254)}.${((id - 1) % 254) + 1}`
}

function ip6(reader: Reader): Value {
  const id = Number(reader.read(reader.holder?.klass === 'DispVM' ? 'dispid' : 'qid') ?? 0)
  return `fd09:24ef:4179::${reader.holder?.klass === 'DispVM' ? 'a8a' : 'a89'}:${id.toString(16)}`
}

function hasIp6(reader: Reader): boolean {
  const seen = new Set<Qube>()
  for (let at = reader.holder ?? undefined; at && !seen.has(at); at = reader.qube(reader.read('netvm', at))) {
    const feature = at.features.get('ipv6')
    if (feature !== undefined) return feature !== ''
    seen.add(at)
  }
  return false
}

function fake(reader: Reader, feature: string): string | undefined {
  const template = reader.qube(reader.read('template'))
  const value = reader.holder?.features.get(feature) ?? template?.features.get(feature)
  return value === '' ? undefined : value
}

function ofNetvm(reader: Reader, name: string): Value {
  const netvm = reader.qube(reader.read('netvm'))
  return (netvm && reader.read(name, netvm)) ?? null
}

function netmask(reader: Reader): Value {
  return reader.read('netvm') ? '255.255.255.255' : null
}
