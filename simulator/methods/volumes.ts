import {
  BEHAVIOUR,
  Failure,
  fire,
  type Host,
  isOrdinary,
  isRunning,
  permissionDenied,
  protocolError,
  type Qube,
  qubesInOrder,
  type SimulatedVersion,
  repr,
  str,
  unhandled,
} from '../host/index.ts'
import { inheritedFeature, POOLS, read, templateOf } from '../properties/index.ts'
import { type MethodCall, type MethodTable } from './method.ts'

/** Volumes, as far as their sizes go: in the pool `varlibqubes`, as files that are reflinked. */

const GIB = 1024 ** 3

interface Volume {
  readonly name: 'root' | 'private' | 'volatile' | 'kernel'
  /** What it has where nobody has resized it (qubes/config.py). */
  readonly size: number
  readonly saved: boolean
  /** The volume that it is a snapshot of at each start. */
  readonly source?: string
}

export const VOLUME_METHODS: MethodTable = {
  'admin.pool.List': { arg: 'none', payload: 'none', dest: 'admin', run: () => lines(POOLS) },
  'admin.pool.volume.List': { arg: 'some', payload: 'none', dest: 'admin', run: poolVolumes },
  'admin.vm.volume.List': {
    arg: 'none',
    payload: 'none',
    dest: 'any',
    run: ({ host, dest }) =>
      volumesOf(host, dest)
        .map(({ name }) => `${name}\n`)
        .join(''),
  },
  'admin.vm.volume.Info': { arg: 'some', payload: 'none', dest: 'any', run: info },
  'admin.vm.volume.Resize': { arg: 'some', payload: 'some', dest: 'any', run: resize },
  'admin.vm.volume.CloneFrom': { arg: 'some', payload: 'none', dest: 'any', run: cloneFrom },
  'admin.vm.volume.CloneTo': { arg: 'some', payload: 'some', dest: 'any', run: cloneTo },
}

/** The pool of kernels has a volume for each; a volume of a qube is in the other one. */
function poolVolumes({ host, arg }: MethodCall): string {
  if (!POOLS.includes(arg))
    throw permissionDenied(BEHAVIOUR[host.release].namesRefusals ? "Argument not in 'pools'" : '')
  if (arg === KERNELS) return lines(host.kernels)
  const ofQube = (qube: Qube): readonly string[] =>
    volumesOf(host, qube).flatMap(({ name }) => (name === 'kernel' ? [] : [vid(qube, name)]))
  return lines(qubesInOrder(host).flatMap(ofQube))
}

const KERNELS = 'linux-kernel'

const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('')

function volumesOf(host: Host, qube: Qube): readonly Volume[] {
  if (!isOrdinary(qube)) return []
  const template = templateOf(host, qube)
  const disposable = qube.klass === 'DispVM'
  const root = template && (disposable ? (templateOf(host, template) ?? template) : template)
  return [
    { name: 'root', size: 10 * GIB, saved: !template, ...(root ? { source: vid(root, 'root') } : {}) },
    {
      name: 'private',
      size: 2 * GIB,
      saved: !disposable,
      ...(disposable && template ? { source: vid(template, 'private') } : {}),
    },
    { name: 'volatile', size: (disposable ? 12 : 10) * GIB, saved: false },
    { name: 'kernel', size: 0, saved: false },
  ]
}

function vid(qube: Qube, volume: string): string {
  return `${qube.klass === 'TemplateVM' ? 'vm-templates' : 'appvms'}/${qube.name}/${volume}`
}

function volumeOf({ host, dest, arg }: MethodCall): Volume {
  const found = volumesOf(host, dest).find(({ name }) => name === arg)
  if (found !== undefined) return found
  throw permissionDenied(
    BEHAVIOUR[host.release].namesRefusals ? `Argument not in '${dest.name} volumes'` : '',
  )
}

const sizeOf = (qube: Qube, { name, size }: Volume): number => qube.volumes.get(name) ?? size

function info(call: MethodCall): string {
  const volume = volumeOf(call)
  const { host, dest } = call
  const isKernel = volume.name === 'kernel'
  const id = isKernel ? str(read(host, dest, 'kernel') ?? '') : vid(dest, volume.name)
  const fields = {
    pool: isKernel ? KERNELS : 'varlibqubes',
    vid: id,
    size: sizeOf(dest, volume),
    usage: 0,
    rw: truth(!isKernel),
    source: volume.source ?? '',
    path: isKernel ? kernelPath(id) : `/var/lib/qubes/${id}-dirty.img`,
    save_on_stop: truth(volume.saved),
    snap_on_start: truth(volume.source !== undefined),
    revisions_to_keep: isKernel ? 0 : 1,
    ephemeral: 'False',
    is_outdated: 'False',
  }
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const kernelPath = (kernel: string): string =>
  kernel === '' ? '' : `/var/lib/qubes/vm-kernels/${kernel}/modules.img`

const truth = (value: boolean): string => (value ? 'True' : 'False')

/** Smaller, too: only the tools refuse that. In a running qube the volume has changed even if the guest then fails. */
function resize(call: MethodCall): string {
  const volume = volumeOf(call)
  const { host, dest, payload } = call
  const size = sizeFrom(payload.toString('latin1').trim(), host.release)
  if (volume.name === 'kernel') throw unhandled('a kernel has no size')
  dest.volumes.set(volume.name, size)
  if (isRunning(dest) && inheritedFeature(host, dest, 'os') === 'Windows') refuseInGuest(dest, volume)
  return ''
}

/** The text of the service that Windows Tools do not have is the recorded one's stand-in. */
function refuseInGuest(qube: Qube, volume: Volume): never {
  if (!qube.tools) throw new Failure('QubesVMError', `Domain ${repr(qube.name)}: qrexec not connected`)
  throw new Failure(
    'StoragePoolException',
    `Online resize of volume ${vid(qube, volume.name)} failed (you need to resize filesystem manually): no such service\n`,
  )
}

/** 4.4 words it in general, for all numbers. */
function sizeFrom(text: string, release: SimulatedVersion): number {
  const strict = BEHAVIOUR[release].validatesRequests
  const wrong = (before: string, since: string): Failure =>
    protocolError(strict ? `Volume size ${since}` : before)
  if (!/^[0-9]+$/.test(text)) throw wrong('Size must be ASCII digits (only)', 'contains non ASCII digits')
  if (text.length >= 20) throw wrong('Sizes limited to 19 decimal digits', 'is bigger than 19 decimal digits')
  if (/^0./.test(text)) throw wrong('Spurious leading zeros not allowed', 'contains spurious leading zeros')
  return Number(text)
}

/** A token for the volume, to be used once. The daemon's are random. */
function cloneFrom(call: MethodCall): string {
  const { name } = volumeOf(call)
  const { host, dest } = call
  const token = String(host.clones.size + 1).padStart(32, '0')
  host.clones.set(token, { qube: dest, volume: name })
  return token
}

function cloneTo(call: MethodCall): string {
  const volume = volumeOf(call)
  const { host, dest, payload } = call
  const token = payload.toString('latin1').trim()
  const from = host.clones.get(token)
  if (!from) throw noToken(host.release)
  host.clones.set(token, null)
  const source = volumesOf(host, from.qube).find(({ name }) => name === from.volume)
  const isThere = host.qubes.get(from.qube.name) === from.qube
  // A kernel is not among the volumes of its pool.
  if (!source || !isThere || source.name === 'kernel') throw unhandled('no such volume any more')
  if (volume.name === 'kernel') throw unhandled('a kernel is no copy')
  if (volume.saved) {
    if (!source.saved) throw unhandled('only what is kept can be copied')
    dest.volumes.set(volume.name, sizeOf(from.qube, source))
  }
  fire(host, dest, 'domain-import-volume', { name: volume.name, source: vid(from.qube, source.name) })
  return ''
}

function noToken(release: SimulatedVersion): Failure {
  if (!BEHAVIOUR[release].namesRefusals) return permissionDenied('')
  const message = 'Token to clone volume of qube was not found'
  return new Failure('QubesVolumeCopyTokenNotFoundError', repr(message))
}
