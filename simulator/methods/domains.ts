import {
  ascii,
  BEHAVIOUR,
  checkLabelName,
  Failure,
  fire,
  firePre,
  hasTemplate,
  type Host,
  isHalted,
  isOrdinary,
  permissionDenied,
  propertyValueError,
  protocolError,
  type Qube,
  type QubeClass,
  qubesInOrder,
  splitOnce,
  str,
  unhandled,
  valueError,
} from '../host/index.ts'
import {
  definition,
  definitions,
  describe,
  POOLS,
  read,
  setProperty,
  validateName,
} from '../properties/index.ts'
import { addTag } from '../reactions/index.ts'

/** Creating and removing qubes. */

interface Creation {
  readonly klass: QubeClass
  readonly template: string
  readonly payload: Buffer
  readonly inPool: boolean
  readonly creator: string
}

export function create(host: Host, creation: Creation): void {
  const strict = BEHAVIOUR[host.release].validatesRequests
  const { klass, template } = creation
  const wantsTemplate = klass === 'AppVM' || klass === 'DispVM'
  if (template !== '' && !wantsTemplate) {
    const message = `${klass} cannot be based on template`
    throw strict ? protocolError(message) : valueError(message)
  }
  const noTemplate = template !== '' && !host.qubes.has(template)
  // 4.4 first asks whether the caller may know, and so reads everything before it complains.
  if (noTemplate && !strict) throw notFound(template)
  const { name, label, unknownPool } = parseOptions(host, creation)
  if (host.qubes.has(name)) {
    if (!strict) throw valueError(`VM ${name} already exists`)
    throw new Failure('QubesVMAlreadyExistsError', `Qube already exists: ${name}`)
  }
  if (noTemplate) throw notFound(template)
  if (unknownPool) throw unknownPool
  const qube = buildQube(host, klass, { name, label, template: chooseTemplate(host, klass, template) })
  host.qubes.set(name, qube)
  fire(host, null, 'domain-add', { vm: name })
  addTag(host, qube, `created-by-${creation.creator}`)
  if (isOrdinary(qube)) fire(host, qube, 'domain-create-on-disk')
}

function notFound(name: string): Failure {
  return new Failure('QubesVMNotFoundError', `No such domain: '${name}'`)
}

interface Options {
  readonly name: string
  readonly label: string
  readonly unknownPool: Failure | undefined
}

function parseOptions(host: Host, creation: Creation): Options {
  const strict = BEHAVIOUR[host.release].validatesRequests
  const text = ascii(creation.payload)
  if (text === undefined) {
    throw strict ? protocolError('Parameters contains non-ASCII characters') : unhandled('not ASCII')
  }
  const found = new Map<string, string>()
  let unknownPool: Failure | undefined
  for (const option of text.split(' ')) {
    const parts = splitOnce(option, '=')
    if (!parts) throw unhandled('no equal sign')
    const [key, value] = parts
    const template = key === 'template' && host.qubes.has(creation.template)
    if (found.has(key) || template) throw duplicate(strict, key)
    if (key === 'name') {
      validateName(value)
      found.set(key, value)
    } else if (key === 'label') {
      const known = checkLabel(host, value)
      if (known) found.set(key, value)
    } else if (creation.inPool && (key === 'pool' || key.startsWith('pool:'))) {
      checkVolume(key, strict)
      found.set(key, value)
      if (!POOLS.includes(value))
        unknownPool ??= new Failure('QubesException', `Unknown storage pool ${value}`)
      if (unknownPool && !strict) throw unknownPool
    } else {
      throw protocolError(strangeOption(key))
    }
  }
  for (const key of ['name', 'label']) {
    if (!found.has(key)) throw protocolError(`Creation requested without key: ${key}`)
  }
  if (found.has('pool') && [...found.keys()].some((key) => key.startsWith('pool:'))) {
    throw protocolError("Conflicting options specified: 'pool=', 'pool:volume='")
  }
  return { name: found.get('name') ?? '', label: found.get('label') ?? '', unknownPool }
}

function duplicate(strict: boolean, key: string): Failure {
  if (!strict) return protocolError('duplicated parameters')
  return protocolError(key.startsWith('pool') ? `Option '${key}' must be unique` : 'Options must be unique')
}

function strangeOption(key: string): string {
  return key === 'pool' || key.startsWith('pool:')
    ? "Pool option specified but 'allow_pool' is False"
    : 'Options does not match: name, label, pool, pool:'
}

/** False for a label that is not there, which 4.4 then reports as one that was not given. */
function checkLabel(host: Host, label: string): boolean {
  checkLabelName(label, host.release)
  const known = host.labels.some((candidate) => candidate.name === label)
  if (!known && !BEHAVIOUR[host.release].validatesRequests)
    throw new Failure('QubesLabelNotFoundError', `Label does not exist: ${label}`)
  return known
}

function checkVolume(key: string, strict: boolean): void {
  const volumes = ['root', 'private', 'volatile', 'kernel']
  if (key === 'pool' || volumes.includes(key.slice('pool:'.length))) return
  throw strict ? protocolError(`Volume must be one of: ${volumes.join(', ')}`) : permissionDenied('')
}

function chooseTemplate(host: Host, klass: QubeClass, wanted: string): string | null {
  if (klass !== 'AppVM' && klass !== 'DispVM') return null
  const standard = read(host, null, klass === 'DispVM' ? 'default_dispvm' : 'default_template')
  // The default template of a host that has been reset is not none: there is no such value.
  if (wanted === '' && standard === undefined) throw unhandled('no default template')
  const template = host.qubes.get(wanted !== '' ? wanted : str(standard ?? ''))
  if (!template) throw valueError('Template for the qube not specified, nor default template set.')
  if (klass === 'DispVM') refuseOrdinary(host, template)
  else refuseClass(host, template)
  return template.name
}

function refuseOrdinary(host: Host, template: Qube): void {
  if (read(host, template, 'template_for_dispvms') === true) return
  throw valueError(
    `template for disposable (${template.name}) needs to be an AppVM with template_for_dispvms=True`,
  )
}

/** Here the daemon has the qube itself in hand, where otherwise it has a name, and prints all of it. */
function refuseClass(host: Host, template: Qube): void {
  if (template.klass === 'TemplateVM') return
  if (!isOrdinary(template)) throw unhandled('no volumes to take over')
  const printed = describe(host, template)
  throw propertyValueError(
    `wrong VM class: domains[${printed}] is of type ${template.klass} and not TemplateVM`,
  )
}

interface NewQube {
  /** A disposable needs neither: it is called after its number, and has the label of its template. */
  readonly name?: string
  readonly label?: string
  readonly template: string | null
}

/** The qube as its constructor leaves it: nobody hears of it before it is added. */
export function buildQube(host: Host, klass: QubeClass, { name, label, template }: NewQube): Qube {
  const dispid = klass === 'DispVM' ? unusedDispid(host) : undefined
  const qube: Qube = {
    name: name ?? `disp${String(dispid)}`,
    klass,
    state: klass === 'RemoteVM' ? 'Running' : 'Halted',
    tools: false,
    tags: new Set(),
    features: new Map(),
    properties: new Map(),
    assignments: new Map(),
    starts: 0,
    volumes: new Map(),
  }
  const quiet: Host = { ...host, reactions: [], listeners: new Set() }
  const qid = unusedQid(host)
  // A second dom0 fails at its first property.
  setProperty(quiet, qube, definition(host, qube, 'qid'), qid)
  if (hasTemplate(qube)) setProperty(quiet, qube, definition(host, qube, 'template'), template)
  qube.properties.set('name', qube.name)
  if (label !== undefined) qube.properties.set('label', label)
  if (dispid !== undefined) qube.properties.set('dispid', dispid)
  host.uuids += 1
  qube.properties.set('uuid', `00000000-0000-4000-8000-${String(host.uuids).padStart(12, '0')}`)
  if (isOrdinary(qube) && read(host, null, 'check_updates_vm') !== true)
    qube.features.set('check-updates', '')
  for (const property of ['audiovm', 'guivm']) {
    const server = read(host, qube, property)
    if (typeof server === 'string') qube.tags.add(`${property}-${server}`)
  }
  const origin = template === null ? undefined : host.qubes.get(template)
  if (klass === 'DispVM' && origin) takeOver(host, qube, origin)
  return qube
}

/** A disposable is a copy of its template as it is then, but for what is assigned to that. */
function takeOver(host: Host, qube: Qube, template: Qube): void {
  const own = new Set(definitions(host, qube).map((found) => found.name))
  for (const [name, value] of template.properties) {
    if (own.has(name) && !qube.properties.has(name)) qube.properties.set(name, value)
  }
  for (const [name, value] of template.features) {
    if (!name.startsWith('preload-dispvm')) qube.features.set(name, value)
  }
  for (const tag of template.tags) qube.tags.add(tag)
}

/** The daemon draws one by lot; on the recorded hosts they count from 1001. */
function unusedDispid(host: Host): number {
  const used = qubesInOrder(host).map((qube) => Number(read(host, qube, 'dispid') ?? 0))
  return Math.max(1000, ...used) + 1
}

function unusedQid(host: Host): number {
  const used = new Set(qubesInOrder(host).map((qube) => str(read(host, qube, 'qid') ?? 0)))
  for (let qid = 1; ; qid++) if (!used.has(String(qid))) return qid
}

export function remove(host: Host, qube: Qube): void {
  if (qube.klass === 'AdminVM') throw new Failure('QubesVMInUseError', "'dom0' cannot be removed")
  if (read(host, qube, 'installed_by_rpm') === true) {
    throw new Failure('QubesVMInUseError', `VM installed by package manager: ${qube.name}`)
  }
  if (isOrdinary(qube) && !isHalted(qube)) {
    throw new Failure('QubesVMNotHaltedError', `Domain is not powered off: '${qube.name}'`)
  }
  discard(host, qube)
}

export function discard(host: Host, qube: Qube): void {
  firePre(host, null, 'domain-pre-delete', { vm: qube.name })
  host.qubes.delete(qube.name)
  fire(host, null, 'domain-delete', { vm: qube.name })
}
