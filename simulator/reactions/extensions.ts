import {
  Failure,
  fire,
  type Host,
  type HostEvent,
  isRunning,
  type Qube,
  qubesInOrder,
  type Reaction,
  unhandled,
  type Value,
  valueError,
} from '../host/index.ts'
import { definition, isDefault, read, readQube, resetProperty, setProperty } from '../properties/index.ts'
import { removeFeature, setFeature } from './features.ts'
import { addTag, replaceTag } from './tags.ts'

/** What the daemon's extensions do about events: services, tags of the audio and GUI qubes, what a creator asks for. */
export const reactToExtensions: Reaction = (host, event) => {
  const { subject: qube, name } = event
  if (qube === null || qube.klass === 'RemoteVM') return
  if (name.startsWith('domain-feature-')) onFeature(host, qube, event)
  else if (name.endsWith(':audiovm') || name.endsWith(':guivm')) onServer(host, qube, event)
  else if (name === 'property-set:provides_network' || name === 'property-reset:provides_network') {
    setServiceQube(host, qube)
  } else if (name === 'property-set:keyboard_layout') onKeyboard(host, qube, event)
  else if (name.startsWith('domain-tag-add:created-by-'))
    onCreated(host, qube, name.split('created-by-')[1] ?? '')
  else if (name === 'domain-pre-shutdown') refuseWhileServing(host, qube, event.fields['force'] === true)
  else if (name === 'domain-pre-start') refuseWhileRestored(qube)
}

function onFeature(host: Host, qube: Qube, event: HostEvent): void {
  const feature = String(event.fields['feature'])
  const value = event.fields['value']
  if (event.name.startsWith('domain-feature-pre-set:')) checkService(feature)
  if (!event.name.startsWith('domain-feature-set:')) return
  if (feature === 'service.meminfo-writer') turnBalancing(host, qube, value !== '')
  if (feature.startsWith('vm-config.')) checkConfig(feature.slice('vm-config.'.length))
  if (feature.startsWith('custom-persist.'))
    checkPersistent(feature.slice('custom-persist.'.length), String(value))
}

function checkService(feature: string): void {
  if (!feature.startsWith('service.')) return
  const service = feature.slice('service.'.length)
  if (service === '') throw valueError('Service name cannot be empty')
  if (service.includes('/')) throw valueError('Service name cannot contain a slash')
  if (service === '.' || service === '..') throw valueError('Service name cannot be "." or ".."')
  if (service.length > 48 && !service.startsWith('app-dispvm.'))
    throw valueError('Service name must not exceed 48 bytes')
}

/** The old switch for memory balancing: it becomes a property, and the feature goes. */
function turnBalancing(host: Host, qube: Qube, on: boolean): void {
  if (qube.klass !== 'AdminVM') {
    const maxmem = definition(host, qube, 'maxmem')
    if (on) resetProperty(host, qube, maxmem)
    else setProperty(host, qube, maxmem, 0)
  }
  removeFeature(host, qube, 'service.meminfo-writer')
}

/** Too late to keep the feature out: the daemon checks after it has been entered. */
function checkConfig(config: string): void {
  if (config.length > 52) throw valueError('VM config name must not exceed 46 bytes')
  if (config === '') throw valueError('Empty config name not allowed')
  if (!/^[a-zA-Z]/.test(config)) throw valueError('Config name must start with an ASCII letter')
}

/** As late: `/PATH`, or `file:OWNER:GROUP:MODE:/PATH`. */
function checkPersistent(key: string, value: string): void {
  if (key === '') throw valueError('custom-persist key cannot be empty')
  if (key.length > 54) throw valueError(`custom-persist key is too long (max 54), ignoring: ${key}`)
  if (value.startsWith('/')) return
  const [type = '', , , mode = '', path = ''] = value.split(':')
  if (!path.startsWith('/')) throw valueError(`invalid value format: '${value}'`)
  if (type !== 'file' && type !== 'dir') {
    throw valueError(`invalid resource type option '${type}' in value '${value}'`)
  }
  const octal = /^(0[oO])?[0-7]+$/.test(mode) ? parseInt(mode.replace(/^0[oO]/, ''), 8) : NaN
  if (!(octal <= 0o7777)) throw valueError(`invalid mode option '${mode}' in value '${value}'`)
}

function onServer(host: Host, qube: Qube, event: HostEvent): void {
  const [what, property = ''] = event.name.split(':')
  if (what === 'property-set') replaceTag(host, qube, `${property}-`, nameOf(event.fields['newvalue']))
  if (what === 'property-reset') replaceTag(host, qube, `${property}-`, nameOf(read(host, qube, property)))
}

function nameOf(value: Value | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function setServiceQube(host: Host, qube: Qube): void {
  if (read(host, qube, 'provides_network') === true) setFeature(host, qube, 'servicevm', '1')
  else if (qube.features.has('servicevm')) removeFeature(host, qube, 'servicevm')
  else return
  fire(host, qube, 'property-reset:icon', { name: 'icon' })
}

function onKeyboard(host: Host, qube: Qube, event: HostEvent): void {
  const { newvalue, oldvalue = null } = event.fields
  if (newvalue === oldvalue) return
  for (const shown of qubesInOrder(host)) {
    if (readQube(host, shown, 'guivm') === qube && isDefault(shown, host, 'keyboard_layout')) {
      fire(host, shown, 'property-reset:keyboard_layout', { name: 'keyboard_layout', oldvalue })
    }
  }
}

function onCreated(host: Host, qube: Qube, creatorName: string): void {
  const creator = host.qubes.get(creatorName)
  if (!creator) throw unhandled(`no creator ${creatorName}`)
  for (const tag of (creator.features.get('tag-created-vm-with') ?? '').split(/\s+/)) {
    if (tag !== '') addTag(host, qube, tag)
  }
  const guivm = creator.features.get('set-created-guivm')
  if (guivm) setProperty(host, qube, definition(host, qube, 'guivm'), guivm)
}

/** A qube that others hear or see through is not shut down under them, unless forced. */
function refuseWhileServing(host: Host, qube: Qube, force: boolean): void {
  if (force) return
  const served = (property: string): Qube[] =>
    qubesInOrder(host).filter((other) => isRunning(other) && readQube(host, other, property) === qube)
  const heard = served('audiovm')
    .filter((other) => other !== qube && read(host, other, 'is_preload') !== true)
    .map((other) => other.name)
  if (heard.length > 0) {
    throw new Failure(
      'QubesVMInUseError',
      `There are running VMs using this VM as AudioVM: ${heard.join(', ')}`,
    )
  }
  const seen = served('guivm').map((other) => other.name)
  if (seen.length > 0) {
    throw new Failure('QubesVMError', `There are running VMs using this VM as GuiVM: ${seen.join(', ')}`)
  }
}

/** The tool that restores a backup sets the tag for as long. */
function refuseWhileRestored(qube: Qube): void {
  if (!qube.tags.has('backup-restore-in-progress')) return
  throw new Failure('QubesVMError', 'Restore of this domain in progress, cannot start')
}
