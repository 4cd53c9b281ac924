import { isRunning, str, type Value } from '../host/index.ts'
import { fromTemplate, type Reader } from './definition.ts'

/** The defaults that the daemon computes from other properties, from features, or from the template. */

export function whileRunning(running: Value, halted: Value) {
  return (reader: Reader): Value => (reader.holder && isRunning(reader.holder) ? running : halted)
}

/** The recorded stand-in, and a second more for each start: no two starts have the same. */
export function startTime(reader: Reader): Value {
  const qube = reader.holder
  return qube !== null && isRunning(qube) ? `${1_700_000_000 + qube.starts}.0` : null
}

export function icon(reader: Reader): Value | undefined {
  const qube = reader.holder
  const label = reader.read('label')
  if (qube === null || label === undefined) return undefined
  return `${iconKind()}-${str(label)}`

  function iconKind(): string {
    const makesDisposables = qube?.klass === 'AppVM' && reader.read('template_for_dispvms') === true
    if (qube?.klass === 'TemplateVM' || makesDisposables) return 'templatevm'
    if (qube?.features.get('servicevm')) return 'servicevm'
    if (qube?.klass === 'DispVM') return 'dispvm'
    if (qube?.klass === 'StandaloneVM') return 'standalonevm'
    return qube?.klass === 'RemoteVM' ? 'remotevm' : 'appvm'
  }
}

/** The template lists those that it keeps ready. */
export function isPreload(reader: Reader): Value {
  const template = reader.qube(reader.read('template'))
  const ready = template?.features.get('preload-dispvm')?.split(' ') ?? []
  return ready.includes(reader.holder?.name ?? '')
}

export function keyboardLayout(reader: Reader): Value | undefined {
  const guivm = reader.qube(reader.read('guivm'))
  return (guivm && reader.read('keyboard_layout', guivm)) ?? 'us++'
}

/** 0 turns balancing off: so it is where the guest does not seem to have a balloon driver. */
export function maxmem(reader: Reader): Value | undefined {
  if (reader.read('virt_mode') === 'hvm' && !hasBalloon(reader)) return 0
  const linux = reader.holder?.features.get('os') === 'Linux'
  const limit = linux ? Number(reader.read('memory') ?? 0) * 10 : 4000
  return fromTemplate('maxmem', () => Math.min(limit, HALF_OF_MEMORY))(reader)
}

const HALF_OF_MEMORY = 8192

function hasBalloon(reader: Reader): boolean {
  const template = reader.qube(reader.read('template'))
  const feature = (name: string): string | undefined =>
    reader.holder?.features.get(name) ?? template?.features.get(name)
  if (!feature('qrexec')) return false
  const names = [...(reader.holder?.features.keys() ?? []), ...(template?.features.keys() ?? [])]
  if (!names.some((name) => name.startsWith('supported-service.'))) return true
  return Boolean(feature('supported-service.meminfo-writer'))
}

export function kernelOptions(reader: Reader): Value | undefined {
  return reader.read('kernel') ? fromTemplate('kernelopts', () => 'swiotlb=2048')(reader) : ''
}

export function bootmode(reader: Reader): Value {
  const own = reader.holder?.features
  const template = reader.qube(reader.read('template'))
  const known = (mode: string): boolean =>
    (own?.get(`boot-mode.kernelopts.${mode}`) ?? template?.features.get(`boot-mode.kernelopts.${mode}`)) !==
    undefined
  const active = own?.get('boot-mode.active')
  if (active !== undefined && (active === 'default' || known(active))) return active
  const inherited = template && reader.read('appvm_default_bootmode', template)
  return typeof inherited === 'string' && known(inherited) ? inherited : 'default'
}

export function appBootmode(reader: Reader): Value {
  return reader.holder?.features.get('boot-mode.appvm-default') ?? 'default'
}
