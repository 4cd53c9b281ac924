import {
  BEHAVIOUR,
  Failure,
  fire,
  type Host,
  permissionDenied,
  protocolError,
  type Qube,
  qubesInOrder,
  str,
  unhandled,
  valueError,
} from '../host/index.ts'
import { read, readQube, templateOf } from '../properties/index.ts'
import {
  addTag,
  canHaveDisposables,
  missingServices,
  preloaded,
  preloadLimit,
  removeFeature,
  setFeature,
} from '../reactions/index.ts'
import { buildQube, discard } from './domains.ts'
import { kill, pause, start, unpause } from './lifecycle.ts'
import { type Method, type MethodCall } from './method.ts'

/** Disposables without a name of their own, and those that are kept ready for use. */

export const createDisposable: Method = { arg: 'any', payload: 'any', dest: 'any', run: create }

function create({ host, source, dest, arg, payload }: MethodCall): string {
  const strict = BEHAVIOUR[host.release].validatesRequests
  if (arg !== '' && arg !== 'preload') {
    throw permissionDenied(strict ? `Argument not in "'', 'preload'"` : '')
  }
  const wanted = payload.toString('latin1')
  if (wanted !== '' && wanted !== 'uuid') {
    throw strict
      ? protocolError("Invalid payload, expected empty string or 'uuid'")
      : valueError("Invalid payload for admin.vm.CreateDisposable: expected the empty string or 'uuid'")
  }
  const template = dest.klass === 'AdminVM' ? readQube(host, source, 'default_dispvm') : dest
  if (arg === 'preload') {
    refuseUnsupported(host, template)
    return ''
  }
  if (!template || read(host, template, 'template_for_dispvms') !== true) {
    throw new Failure(
      'QubesException',
      'Refusing to create disposable out of app qube which has template_for_dispvms=False',
    )
  }
  const qube = takeReady(host, template) ?? make(host, template)
  addTag(host, qube, `created-by-${source.name}`)
  addTag(host, qube, `disp-created-by-${source.name}`)
  return wanted === 'uuid' ? `uuid:${str(read(host, qube, 'uuid') ?? '')}` : qube.name
}

function refuseUnsupported(host: Host, template: Qube | undefined): void {
  if (!template || !canHaveDisposables(template)) throw unhandled('nothing that can have disposables')
  const missing = missingServices(host, template)
  if (missing) throw valueError(`${missing} but tried to preload, check if template is outdated`)
}

function make(host: Host, template: Qube): Qube {
  const qube = buildQube(host, 'DispVM', { template: template.name })
  qube.properties.set('auto_cleanup', true)
  host.qubes.set(qube.name, qube)
  fire(host, null, 'domain-add', { vm: qube.name })
  fire(host, qube, 'domain-create-on-disk')
  return qube
}

/** The first that is ready, which is one of many no longer. */
function takeReady(host: Host, template: Qube): Qube | undefined {
  const [name, ...others] = preloaded(template)
  const qube = name === undefined ? undefined : host.qubes.get(name)
  if (!qube) return undefined
  setFeature(host, template, 'preload-dispvm', others.join(' '))
  unpause(host, qube)
  if (!template.features.get('internal')) removeFeature(host, qube, 'internal')
  removeFeature(host, qube, 'preload-dispvm-in-progress')
  return qube
}

/**
 * What the daemon does on its own after a request: as many disposables of a template are started and
 * paused as it is to have ready, and those that are too many go. One that cannot start ends the attempt.
 */
export function keepReady(host: Host): void {
  if (!keepsAny(host)) return
  for (const qube of qubesInOrder(host)) dropUnlisted(host, qube)
  for (const template of qubesInOrder(host)) {
    if (read(host, template, 'template_for_dispvms') !== true || missingServices(host, template)) continue
    const limit = preloadLimit(host, template)
    while (preloaded(template).length < limit && preload(host, template)) continue
  }
}

/** Most hosts keep none, and it is asked after every write. */
function keepsAny(host: Host): boolean {
  for (const { features } of host.qubes.values())
    if (features.has('preload-dispvm-max') || features.has('preload-dispvm-completed')) return true
  return false
}

function preload(host: Host, template: Qube): boolean {
  const qube = make(host, template)
  setFeature(host, qube, 'preload-dispvm-in-progress', '1')
  setFeature(host, template, 'preload-dispvm', [...preloaded(template), qube.name].join(' '))
  setFeature(host, qube, 'internal', '1')
  try {
    start(host, qube)
    pause(host, qube)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const others = preloaded(template).filter((name) => name !== qube.name)
    setFeature(host, template, 'preload-dispvm', others.join(' '))
    discard(host, qube)
    return false
  }
  setFeature(host, qube, 'preload-dispvm-completed', '1')
  setFeature(host, qube, 'preload-dispvm-in-progress', '')
  return true
}

/** One that is used runs, and is listed no longer either. */
function dropUnlisted(host: Host, qube: Qube): void {
  const template = templateOf(host, qube)
  if (!template || qube.state !== 'Paused' || !qube.features.has('preload-dispvm-completed')) return
  if (!preloaded(template).includes(qube.name)) kill(host, qube)
}
