import {
  BEHAVIOUR,
  Failure,
  hasTemplate,
  isOrdinary,
  permissionDenied,
  protocolError,
  type Qube,
  type SimulatedVersion,
} from '../host/index.ts'
import { type MethodCall, type MethodTable } from './method.ts'

/** Volumes, as far as their sizes go: in the pool `varlibqubes`, as files that are reflinked. */

const GIB = 1024 ** 3

interface Volume {
  readonly name: string
  /** What it has where nobody has resized it (qubes/config.py). */
  readonly size: number
  readonly rw: boolean
  readonly saved: boolean
  readonly snapshot: boolean
}

export const VOLUME_METHODS: MethodTable = {
  'admin.vm.volume.List': {
    arg: 'none',
    payload: 'none',
    dest: 'any',
    run: ({ dest }) =>
      volumesOf(dest)
        .map(({ name }) => `${name}\n`)
        .join(''),
  },
  'admin.vm.volume.Info': { arg: 'some', payload: 'none', dest: 'any', run: info },
  'admin.vm.volume.Resize': { arg: 'some', payload: 'some', dest: 'any', run: resize },
}

function volumesOf(qube: Qube): readonly Volume[] {
  if (!isOrdinary(qube)) return []
  const based = hasTemplate(qube)
  return [
    { name: 'root', size: 10 * GIB, rw: true, saved: !based, snapshot: based },
    { name: 'private', size: 2 * GIB, rw: true, saved: qube.klass !== 'DispVM', snapshot: false },
    { name: 'volatile', size: 10 * GIB, rw: true, saved: false, snapshot: false },
    { name: 'kernel', size: 0, rw: false, saved: false, snapshot: false },
  ]
}

function volumeOf({ host, dest, arg }: MethodCall): Volume {
  const found = volumesOf(dest).find(({ name }) => name === arg)
  if (found !== undefined) return found
  throw permissionDenied(
    BEHAVIOUR[host.release].namesRefusals ? `Argument not in '${dest.name} volumes'` : '',
  )
}

const sizeOf = (qube: Qube, { name, size }: Volume): number => qube.volumes.get(name) ?? size

function info(call: MethodCall): string {
  const volume = volumeOf(call)
  const { dest } = call
  const folder = dest.klass === 'TemplateVM' ? 'vm-templates' : 'appvms'
  const fields = {
    pool: 'varlibqubes',
    vid: `${folder}/${dest.name}/${volume.name}`,
    size: sizeOf(dest, volume),
    usage: 0,
    rw: truth(volume.rw),
    source: volume.snapshot ? `vm-templates/${String(dest.properties.get('template') ?? '')}/root` : '',
    // Of the image that a start makes, whether there is one now or not.
    path: `/var/lib/qubes/${folder}/${dest.name}/${volume.name}-dirty.img`,
    save_on_stop: truth(volume.saved),
    snap_on_start: truth(volume.snapshot),
    revisions_to_keep: 1,
    ephemeral: 'False',
    is_outdated: 'False',
  }
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const truth = (value: boolean): string => (value ? 'True' : 'False')

function resize(call: MethodCall): string {
  const volume = volumeOf(call)
  const { host, dest, payload } = call
  const size = sizeFrom(payload.toString('latin1').trim(), host.release)
  const vid = `appvms/${dest.name}/${volume.name}`
  if (!volume.rw) throw storageFailure(`Can not resize readonly volume ${vid}`)
  if (volume.snapshot) {
    throw storageFailure('Cannot resize volume based on a template - resizethe template instead')
  }
  if (size < sizeOf(dest, volume)) {
    throw storageFailure(
      `For your own safety, shrinking of ${volume.name} is disabled. If you really know what you are doing, use \`truncate\` on ${vid} manually.`,
    )
  }
  dest.volumes.set(volume.name, size)
  return ''
}

const storageFailure = (message: string): Failure => new Failure('StoragePoolException', message)

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
