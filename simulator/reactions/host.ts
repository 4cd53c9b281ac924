import {
  Failure,
  fire,
  firePre,
  type Host,
  type HostEvent,
  type Qube,
  qubesInOrder,
  type Reaction,
  repr,
  unhandled,
  type Value,
} from '../host/index.ts'
import { definitions, isDefault, read } from '../properties/index.ts'
import { removeFeature, setFeature } from './features.ts'
import { checkKernel } from './qube.ts'

/** What the host itself does about its own events: its defaults reach the qubes that have none of their own. */
export const reactAsHost: Reaction = (host, event) => {
  if (event.subject !== null) return
  const { newvalue = null, oldvalue = null } = event.fields
  switch (event.name) {
    case 'property-pre-set:default_netvm':
      for (const qube of defaulting(host, 'netvm')) {
        firePre(host, qube, 'property-pre-set:netvm', { name: 'netvm', newvalue, oldvalue })
      }
      return
    case 'property-set:default_netvm':
      for (const qube of defaulting(host, 'netvm')) {
        fire(host, qube, 'property-reset:netvm', { name: 'netvm', oldvalue })
      }
      return
    case 'property-set:default_dispvm':
    case 'property-reset:default_dispvm':
      for (const qube of defaulting(host, 'default_dispvm')) {
        fire(host, qube, 'property-reset:default_dispvm', { name: 'default_dispvm', oldvalue })
      }
      refuseWithoutPreload(host, [oldvalue, newvalue ?? read(host, null, 'default_dispvm') ?? null])
      return
    case 'property-set:default_audiovm':
    case 'property-set:default_guivm': {
      const name = event.name.slice('property-set:default_'.length)
      for (const qube of defaulting(host, name))
        fire(host, qube, `property-set:${name}`, { name, newvalue, oldvalue })
      return
    }
    case 'property-pre-set:default_kernel': {
      checkKernel(host, newvalue)
      return
    }
    case 'property-pre-set:clockvm':
    case 'property-set:clockvm': {
      onClock(host, event)
      return
    }
    case 'domain-pre-delete': {
      refuseWhileUsed(host, event)
      return
    }
  }
}

/** Its preloaded disposables move with the setting: too late to refuse a qube that can have none. */
function refuseWithoutPreload(host: Host, [before = null, after = null]: readonly Value[]): void {
  if (before === after) return
  for (const name of [before, after]) {
    const qube = typeof name === 'string' ? host.qubes.get(name) : undefined
    if (qube && qube.klass !== 'AppVM' && qube.klass !== 'StandaloneVM') {
      throw unhandled(`${qube.name} has no disposables`)
    }
  }
}

function defaulting(host: Host, name: string): Qube[] {
  return qubesInOrder(host).filter(
    (qube) => definitions(host, qube).some((found) => found.name === name) && isDefault(qube, host, name),
  )
}

function onClock(host: Host, event: HostEvent): void {
  const qube = (value: Value | undefined): Qube | undefined =>
    typeof value === 'string' ? host.qubes.get(value) : undefined
  const next = qube(event.fields['newvalue'])
  const last = qube(event.fields['oldvalue'])
  if (event.name.startsWith('property-pre-set')) {
    if (next && !next.features.has('service.clocksync')) setFeature(host, next, 'service.clocksync', '1')
  } else if (last && last !== next && last.features.get('service.clocksync')) {
    removeFeature(host, last, 'service.clocksync')
  }
}

/** A qube that another, or the host, refers to is not removed. */
function refuseWhileUsed(host: Host, event: HostEvent): void {
  const name = event.fields['vm']
  if (typeof name !== 'string') return
  const refers = (holder: Qube | null): boolean =>
    definitions(host, holder).some(
      (found) =>
        found.kind === 'vm' &&
        (holder === null || !isDefault(holder, host, found.name)) &&
        read(host, holder, found.name) === name,
    )
  const others = qubesInOrder(host).filter((qube) => qube.name !== name)
  if (others.some(refers) || refers(null)) {
    const advice = "see 'journalctl -u qubesd -e' in dom0 for details"
    throw new Failure('QubesVMInUseError', `Domain is in use: ${repr(name)};  ${advice}`)
  }
  const ports = others.flatMap((qube) =>
    [...qube.assignments.values()].filter((item) => item.backend === name).map((item) => item.port),
  )
  if (ports.length === 0) return
  throw new Failure('QubesVMInUseError', `VM has devices assigned to other VMs: ${ports.join(', ')}`)
}
