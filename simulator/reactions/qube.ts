import {
  BEHAVIOUR,
  Failure,
  fire,
  firePre,
  type Host,
  type HostEvent,
  isHalted,
  isOrdinary,
  isRunning,
  propertyValueError,
  type Qube,
  qubesInOrder,
  type Reaction,
  repr,
  str,
  unhandled,
  type Value,
  valueError,
} from '../host/index.ts'
import {
  connected,
  defaultOf,
  definition,
  inheritedFeature,
  isDefault,
  read,
  readQube,
  setNetvm,
  templateOf,
} from '../properties/index.ts'

/** What the daemon's network code does about an event of a qube. */
export const reactToNetwork: Reaction = (host, event) => {
  const qube = event.subject
  if (qube === null || !isOrdinary(qube)) return
  const { newvalue, oldvalue } = event.fields
  switch (event.name) {
    case 'property-pre-set:netvm': {
      refuseStoppedNetwork(host, qube, newvalue)
      return
    }
    case 'property-set:netvm': {
      connect(host, qube, newvalue)
      return
    }
    case 'property-pre-reset:netvm': {
      beforeNetworkReset(host, qube, oldvalue)
      return
    }
    case 'property-reset:netvm': {
      const now = read(host, qube, 'netvm') ?? null
      if (now === (oldvalue ?? null)) return
      fire(host, qube, 'property-set:netvm', {
        name: 'netvm',
        newvalue: now,
        oldvalue: oldvalue ?? null,
      })
      return
    }
    case 'property-set:ip':
    case 'property-reset:ip':
    case 'property-set:ip6': {
      onAddress(host, qube, event)
      return
    }
    case 'property-set:provides_network':
      if (newvalue === oldvalue) return
      fire(host, qube, 'property-reset:gateway', { name: 'gateway' })
      {
        fire(host, qube, 'property-reset:gateway6', { name: 'gateway6' })
        return
      }
    case 'domain-pre-shutdown': {
      refuseWhileConnected(host, qube, event.fields['force'] === true)
      return
    }
  }
}

function refuseStoppedNetwork(host: Host, qube: Qube, wanted: Value | undefined): void {
  const netvm = typeof wanted === 'string' ? host.qubes.get(wanted) : undefined
  if (!netvm || !isRunning(qube) || isRunning(netvm)) return
  throw new Failure('QubesVMNotStartedError', `Cannot dynamically attach to stopped qube ${netvm.name}`)
}

function connect(host: Host, qube: Qube, wanted: Value | undefined): void {
  const netvm = typeof wanted === 'string' ? host.qubes.get(wanted) : undefined
  if (netvm?.klass === 'AdminVM') throw unhandled('dom0 serves no addresses')
  if (netvm && isRunning(qube)) fire(host, netvm, 'net-domain-connect', { vm: qube.name })
}

function beforeNetworkReset(host: Host, qube: Qube, oldvalue: Value | undefined): void {
  const newvalue = defaultOf(host, qube, definition(host, qube, 'netvm')) ?? null
  setNetvm(newvalue, {
    host,
    holder: qube,
    read: (name, of) => read(host, of ?? qube, name),
    qube: (name) => (typeof name === 'string' ? host.qubes.get(name) : undefined),
  })
  if (newvalue === (oldvalue ?? null)) return
  firePre(host, qube, 'property-pre-set:netvm', { name: 'netvm', newvalue, oldvalue: oldvalue ?? null })
}

function onAddress(host: Host, qube: Qube, event: HostEvent): void {
  const six = event.name.endsWith('6') ? '6' : ''
  if ((event.fields['newvalue'] ?? null) === (event.fields['oldvalue'] ?? null)) return
  if (read(host, qube, 'provides_network') === true) {
    fire(host, qube, `property-reset:gateway${six}`, { name: `gateway${six}` })
  }
  fire(host, qube, `property-reset:visible_ip${six}`, { name: `visible_ip${six}` })
  for (const client of connected(host, qube, (other) => read(host, other, 'netvm'))) {
    fire(host, client, `property-reset:visible_gateway${six}`, { name: `visible_gateway${six}` })
  }
}

function refuseWhileConnected(host: Host, qube: Qube, force: boolean): void {
  if (force || read(host, qube, 'provides_network') !== true) return
  const clients = connected(host, qube, (other) => read(host, other, 'netvm')).filter(
    (other) => isRunning(other) && read(host, other, 'is_preload') !== true,
  )
  if (clients.length === 0) return
  const names = clients.map((client) => client.name).join(', ')
  throw new Failure('QubesVMInUseError', `There are other VMs connected to this VM: ${names}`)
}

/** What a qube with a disk does about its own events. */
export const reactAsQube: Reaction = (host, event) => {
  const qube = event.subject
  if (qube === null || !isOrdinary(qube)) return
  const { newvalue, oldvalue } = event.fields
  switch (event.name) {
    case 'property-set:label':
    case 'property-set:template_for_dispvms': {
      fire(host, qube, 'property-reset:icon', { name: 'icon' })
      return
    }
    case 'property-pre-set:kernel': {
      checkKernel(host, newvalue)
      return
    }
    case 'property-pre-set:maxmem': {
      if (!BEHAVIOUR[host.release].fixesMaxmemWhileRunning || newvalue === oldvalue || isHalted(qube)) return
      // 4.4 stumbles over its own error message here, so that the caller gets no answer.
      if (!inheritedFeature(host, qube, 'memory-hotplug')) throw unhandled('maxmem of a running qube')
      return
    }
    case 'domain-feature-set:boot-mode.active':
      if (event.fields['value'] !== oldvalue) resetBootmode(host, qube)
  }
}

/** Also for `default_kernel` of the host. */
export function checkKernel(host: Host, kernel: Value | undefined): void {
  if (!kernel || host.kernels.includes(str(kernel))) return
  throw propertyValueError(`Kernel ${repr(str(kernel))} not installed`)
}

function resetBootmode(host: Host, qube: Qube): void {
  if (isDefault(qube, host, 'bootmode')) fire(host, qube, 'property-reset:bootmode', { name: 'bootmode' })
}

// Those that a qube takes from its template as long as it has none of its own.
const INHERITED = [
  'default_user',
  'kernel',
  'kernelopts',
  'vcpus',
  'memory',
  'maxmem',
  'qrexec_timeout',
  'shutdown_timeout',
  'management_dispvm',
]

/** What a qube does because of its class: templates tell their children, children keep their template. */
export const reactAsClass: Reaction = (host, event) => {
  const qube = event.subject
  if (qube === null) return
  if (qube.klass === 'TemplateVM') reactAsTemplate(host, qube, event)
  else if (qube.klass === 'AppVM' || qube.klass === 'StandaloneVM') reactAsApp(host, qube, event)
  else if (qube.klass === 'DispVM') reactAsDisposable(qube, event)
}

function reactAsTemplate(host: Host, template: Qube, event: HostEvent): void {
  const children = (): Qube[] => qubesInOrder(host).filter((qube) => templateOf(host, qube) === template)
  const { newvalue, oldvalue } = event.fields
  const [what, name = ''] = event.name.split(':')
  if (what === 'property-set' && INHERITED.includes(name) && newvalue !== oldvalue) {
    for (const child of children()) {
      if (isDefault(child, host, name)) fire(host, child, `property-reset:${name}`, { name })
    }
  }
  const bootmode = 'appvm_default_bootmode'
  if (event.name === 'domain-feature-set:boot-mode.appvm-default') {
    if (event.fields['value'] === oldvalue || !isDefault(template, host, bootmode)) return
    // Firing it makes the children hear once, the loop of the daemon's a second time.
    fire(host, template, `property-reset:${bootmode}`, { name: bootmode })
    for (const child of children()) resetBootmode(host, child)
  } else if (
    (event.name === `property-set:${bootmode}` && newvalue !== oldvalue) ||
    event.name === `property-reset:${bootmode}`
  ) {
    for (const child of children()) resetBootmode(host, child)
  }
}

function reactAsApp(host: Host, qube: Qube, event: HostEvent): void {
  switch (event.name) {
    case 'property-pre-reset:template': {
      if (qube.klass !== 'AppVM') return
      const instead = readQube(host, null, 'default_template')
      throw valueError(
        instead
          ? `Cannot unset template. You can set it to the current default (${instead.name}) instead`
          : 'Cannot unset template',
      )
    }
    case 'property-pre-set:template': {
      keepTemplate(host, qube, event)
      return
    }
    case 'property-pre-set:template_for_dispvms':
    case 'property-pre-reset:template_for_dispvms':
    case 'property-pre-del:template_for_dispvms': {
      if (!event.fields['newvalue'] && event.fields['oldvalue']) keepDisposableTemplate(host, qube, event)
      return
    }
  }
}

function reactAsDisposable(qube: Qube, event: HostEvent): void {
  if (event.name === 'property-pre-reset:template') throw valueError('Cannot unset template')
  if (event.name === 'property-pre-set:template' && !isHalted(qube)) {
    throw new Failure('QubesVMNotHaltedError', 'Cannot change template while qube is running')
  }
}

function keepTemplate(host: Host, qube: Qube, { fields }: HostEvent): void {
  if (!isHalted(qube)) {
    throw new Failure('QubesVMNotHaltedError', 'Cannot change template while qube is running')
  }
  if (fields['newvalue'] === fields['oldvalue'] || read(host, qube, 'template_for_dispvms') !== true) return
  if (!disposablesOf(host, qube).some((disposable) => isRunning(disposable))) return
  // Raised with a tuple for a message, which is printed as one.
  const message =
    'Cannot change template while there are running disposables based on this disposable template'
  throw new Failure('QubesVMInUseError', `(${repr(message)},)`)
}

/** Those that are only kept ready go by themselves. */
function disposablesOf(host: Host, template: Qube): Qube[] {
  return qubesInOrder(host).filter(
    (qube) => templateOf(host, qube) === template && read(host, qube, 'is_preload') !== true,
  )
}

function keepDisposableTemplate(host: Host, qube: Qube, event: HostEvent): void {
  if (BEHAVIOUR[host.release].requiresDisposableTemplates) {
    // The daemon checks the reset, which comes before the deletion.
    if (!event.name.startsWith('property-pre-del')) keepDisposableReferences(host, qube)
    return
  }
  if (event.name.startsWith('property-pre-reset') || disposablesOf(host, qube).length === 0) return
  const message =
    'Cannot change template_for_dispvms to False while there are some disposables based on this disposable template'
  throw new Failure('QubesVMInUseError', `(${repr(message)},)`)
}

/** 4.4 also minds who names the qube as template for disposables. */
function keepDisposableReferences(host: Host, qube: Qube): void {
  const ofHost = ['default_dispvm', 'management_dispvm']
  const ofQubes = [...ofHost, 'template']
  const refuse = (why: string, names: readonly string[]): never => {
    const text = `Cannot change template_for_dispvms to False while it is ${why} by any of these properties`
    throw new Failure('QubesVMInUseError', `${text}: ${names.join(', ')}`)
  }
  if (ofHost.some((name) => readQube(host, null, name) === qube)) refuse('in use by the system', ofHost)
  const refers = (other: Qube): boolean => ofQubes.some((name) => other.properties.get(name) === qube.name)
  const others = qubesInOrder(host).filter(
    (other) => other !== qube && read(host, other, 'is_preload') !== true,
  )
  if (others.some(refers)) refuse('the disposable template of a qube', ofQubes)
}
