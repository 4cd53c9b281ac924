import {
  BEHAVIOUR,
  labelFromProperty,
  propertyValueError,
  type QubeClass,
  type SimulatedVersion,
  str,
  type Value,
} from '../host/index.ts'
import {
  appBootmode,
  bootmode,
  icon,
  isPreload,
  kernelOptions,
  keyboardLayout,
  maxmem,
  startTime,
  whileRunning,
} from './defaults.ts'
import {
  disposableTemplate,
  fromTemplate,
  notNegative,
  positive,
  type PropertyDefinition,
  type Reader,
} from './definition.ts'
import {
  setDefaultUser,
  setDenied,
  setKernel,
  setKernelOptions,
  setKeyboardLayout,
  setVirtMode,
} from './setters.ts'
import * as net from './network-properties.ts'

const always = (value: Value) => (): Value => value
const fromHost =
  (name: string) =>
  (reader: Reader): Value | undefined =>
    reader.read(`@${name}`)

/** Which properties a qube of this class has, sorted as the daemon lists them. */
export function qubeProperties(klass: QubeClass, release: SimulatedVersion): PropertyDefinition[] {
  const table =
    klass === 'AdminVM'
      ? adminProperties(release)
      : klass === 'RemoteVM'
        ? remoteProperties()
        : ordinary(klass)
  return table.sort((a, b) => a.stage - b.stage || (a.name < b.name ? -1 : 1))
}

function ordinary(klass: QubeClass): PropertyDefinition[] {
  const p: PropertyDefinition[] = [
    ...identity(),
    { name: 'autostart', kind: 'bool', stage: 2, default: always(false) },
    { name: 'backup_timestamp', kind: 'int', stage: 2, default: always(null) },
    { name: 'debug', kind: 'bool', stage: 2, default: always(false) },
    {
      name: 'default_user',
      kind: 'str',
      stage: 2,
      default: fromTemplate('default_user', always('user')),
      set: setDefaultUser,
    },
    { name: 'icon', kind: 'str', stage: 2, forbidden: true, default: icon },
    { name: 'include_in_backups', kind: 'bool', stage: 2, default: always(true) },
    { name: 'installed_by_rpm', kind: 'bool', stage: 2, default: always(false) },
    {
      name: 'kernel',
      kind: 'str',
      stage: 2,
      default: fromTemplate('kernel', fromHost('default_kernel')),
      set: setKernel,
    },
    { name: 'keyboard_layout', kind: 'str', stage: 2, default: keyboardLayout, set: setKeyboardLayout },
    { name: 'maxmem', kind: 'int', stage: 2, default: maxmem, set: notNegative('maxmem') },
    {
      name: 'memory',
      kind: 'int',
      stage: 2,
      default: fromTemplate('memory', always(400)),
      set: positive('memory'),
    },
    {
      name: 'qrexec_timeout',
      kind: 'int',
      stage: 2,
      default: fromTemplate('qrexec_timeout', fromHost('default_qrexec_timeout')),
      set: positive('qrexec_timeout'),
    },
    {
      name: 'shutdown_timeout',
      kind: 'int',
      stage: 2,
      default: fromTemplate('shutdown_timeout', fromHost('default_shutdown_timeout')),
      set: positive('shutdown_timeout'),
    },
    {
      name: 'start_time',
      kind: 'str',
      stage: 2,
      forbidden: true,
      default: startTime,
    },
    { name: 'stubdom_mem', kind: 'int', stage: 2, default: always(null), set: positive('stubdom_mem') },
    { name: 'stubdom_xid', kind: 'int', stage: 2, forbidden: true, default: always(-1) },
    {
      name: 'updateable',
      kind: 'bool',
      stage: 2,
      forbidden: true,
      default: (r) => r.read('template') === undefined,
    },
    {
      name: 'vcpus',
      kind: 'int',
      stage: 2,
      default: fromTemplate('vcpus', always(2)),
      set: positive('vcpus'),
    },
    {
      name: 'virt_mode',
      kind: 'str',
      stage: 2,
      default: fromTemplate('virt_mode', always('pvh')),
      set: setVirtMode,
    },
    { name: 'xid', kind: 'int', stage: 2, forbidden: true, default: whileRunning(7, -1) },
    { name: 'audiovm', kind: 'vm', stage: 4, nullable: true, default: fromHost('default_audiovm') },
    { name: 'guivm', kind: 'vm', stage: 4, nullable: true, default: fromHost('default_guivm') },
    { name: 'kernelopts', kind: 'str', stage: 4, default: kernelOptions, set: setKernelOptions },
    {
      name: 'management_dispvm',
      kind: 'vm',
      stage: 4,
      nullable: true,
      default: fromTemplate('management_dispvm', fromHost('management_dispvm')),
      set: disposableTemplate('management_dispvm'),
    },
    ...net.properties(klass),
    deniedDevices(),
    { name: 'stubdom_uuid', kind: 'str', stage: 2, forbidden: true, default: always('') },
    { name: 'bootmode', kind: 'str', stage: 4, default: bootmode },
  ]
  if (klass === 'TemplateVM') {
    p.push({ name: 'appvm_default_bootmode', kind: 'str', stage: 4, default: appBootmode })
  }
  if (klass === 'AppVM' || klass === 'StandaloneVM') {
    p.push({ name: 'template_for_dispvms', kind: 'bool', stage: 2, default: always(false) })
  }
  if (klass === 'AppVM') p.push({ name: 'template', kind: 'vm', stage: 4, class: 'TemplateVM' })
  return klass === 'DispVM' ? disposable(p) : [...p, defaultDisposable()]
}

function disposable(inherited: PropertyDefinition[]): PropertyDefinition[] {
  return [
    ...inherited.filter((definition) => definition.name !== 'include_in_backups'),
    { name: 'auto_cleanup', kind: 'bool', stage: 2, default: always(false) },
    { name: 'is_preload', kind: 'bool', stage: 2, forbidden: true, default: isPreload },
    { name: 'dispid', kind: 'int', stage: 2, writeOnce: true },
    { name: 'include_in_backups', kind: 'bool', stage: 2, default: (r) => r.read('auto_cleanup') !== true },
    { name: 'default_dispvm', kind: 'vm', stage: 4, nullable: true, default: (r) => r.read('template') },
    {
      name: 'template',
      kind: 'vm',
      stage: 4,
      set: (value, reader) => {
        const template = reader.qube(value)
        if (template && reader.read('template_for_dispvms', template) === true) return value
        throw propertyValueError('template for disposable must have template_for_dispvms=True')
      },
    },
  ]
}

function adminProperties(release: SimulatedVersion): PropertyDefinition[] {
  const p: PropertyDefinition[] = [
    { name: 'icon', kind: 'str', stage: 2, forbidden: true, default: always('adminvm-black') },
    { name: 'include_in_backups', kind: 'bool', stage: 2, default: always(true) },
    { name: 'keyboard_layout', kind: 'str', stage: 2, default: always('us++'), set: setKeyboardLayout },
    klassProperty(),
    labelProperty(),
    { name: 'name', kind: 'str', stage: 2, forbidden: true, default: always('dom0') },
    { name: 'qid', kind: 'int', stage: 2, forbidden: true, default: always(0) },
    { name: 'updateable', kind: 'bool', stage: 2, forbidden: true, default: always(true) },
    {
      name: 'uuid',
      kind: 'str',
      stage: 2,
      forbidden: true,
      default: always('00000000-0000-0000-0000-000000000000'),
    },
    defaultDisposable(),
    deniedDevices(),
  ]
  if (BEHAVIOUR[release].hasHostResources)
    p.push({ name: 'maxmem', kind: 'int', stage: 2, forbidden: true, default: always(4096) })
  return p
}

function remoteProperties(): PropertyDefinition[] {
  return [
    ...identity(),
    { name: 'icon', kind: 'str', stage: 2, forbidden: true, default: icon },
    { name: 'include_in_backups', kind: 'bool', stage: 2, default: always(false) },
    { name: 'remote_name', kind: 'str', stage: 2, default: always(null) },
    { name: 'transport_rpc', kind: 'str', stage: 2, default: always(null) },
    { name: 'relayvm', kind: 'vm', stage: 4, nullable: true, default: always(null) },
  ]
}

function identity(): PropertyDefinition[] {
  return [
    klassProperty(),
    labelProperty(),
    { name: 'name', kind: 'str', stage: 2, writeOnce: true },
    { name: 'qid', kind: 'int', stage: 2, writeOnce: true },
    { name: 'uuid', kind: 'str', parsed: 'UUID', stage: 2, writeOnce: true },
  ]
}

function klassProperty(): PropertyDefinition {
  return { name: 'klass', kind: 'str', stage: 2, forbidden: true, default: (r) => r.holder?.klass }
}

function labelProperty(): PropertyDefinition {
  return {
    name: 'label',
    kind: 'label',
    stage: 2,
    set: (value, { host }) => labelFromProperty(host.labels, str(value)),
  }
}

function deniedDevices(): PropertyDefinition {
  return { name: 'devices_denied', kind: 'str', stage: 2, default: always(''), set: setDenied }
}

function defaultDisposable(): PropertyDefinition {
  return {
    name: 'default_dispvm',
    kind: 'vm',
    stage: 4,
    nullable: true,
    default: fromHost('default_dispvm'),
    set: disposableTemplate('default_dispvm'),
  }
}
