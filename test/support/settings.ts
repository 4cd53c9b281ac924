import { type Simulator } from '../../simulator/index.ts'
import { type Value } from '../../spec/vocabulary/desired-state.ts'
import { act } from './requests.ts'
import { type Snapshot } from './snapshot.ts'

/**
 * The settings that generated tests use, seen without qstate's own code: where each is on the host, what a text there
 * means, how another program writes it. Two texts of one meaning are the same value (`1` and `yes` of a flag).
 */
export interface KnownSetting {
  readonly path: string
  /** What a spec may want; `null` is absent. */
  readonly values: readonly (Value | null)[]
  /** Texts that other programs leave there; `null` is absent. */
  readonly foreign: readonly (string | null)[]
}

const WEBCAM = 'usb/sys-usb+2-1:046d:085b:ABC12345:u0e0100u0e0200'

export const KNOWN: readonly KnownSetting[] = [
  { path: 'audio/model', values: ['ich6', 'ac97', '', null], foreign: ['sb16', 'ich6', '', null] },
  { path: 'audio/audiovm', values: ['sys-audio', '', null], foreign: ['sys-net', '', null] },
  { path: 'audio/timerPeriod', values: [100, 1000, '', null], foreign: ['7', '0100', '1000', null] },
  { path: 'stubdom/qrexec', values: [true, false, null], foreign: ['yes', '1', '', null] },
  { path: 'stubdom/memory', values: [200, 300, null], foreign: ['256', '200', null] },
  { path: 'stubdom/qemuExtraArgs', values: ['-usb', '', null], foreign: ['-x "y\' z', null] },
  { path: 'qube/memory', values: [2048, 4096, null], foreign: ['1024', '4096', null] },
  { path: 'qube/defaultUser', values: ['alice', 'bob', null], foreign: ['eve', 'bob', null] },
  { path: 'qube/includeInBackups', values: [true, false, null], foreign: ['True', 'False', null] },
  { path: 'qube/features/timezone', values: ['localtime', '', null], foreign: ['UTC', '', null] },
  { path: 'qube/features/constructor', values: ['1', '2', null], foreign: ['1', '3', null] },
  { path: 'qube/properties/kernelopts', values: ['nopat', 'quiet', null], foreign: ['debug', null] },
  { path: 'tags/office', values: [true, null], foreign: ['yes', null] },
  { path: 'tags/prototype', values: [true, null], foreign: ['yes', null] },
  { path: 'tags/7', values: [true, null], foreign: ['yes', null] },
  { path: 'tags/-', values: [true, null], foreign: ['yes', null] },
  { path: 'usb/sys-usb+2-2:*', values: [{ mode: 'auto-attach' }, null], foreign: ['auto-attach', null] },
  {
    path: WEBCAM,
    values: [{ mode: 'auto-attach' }, { mode: 'ask-to-attach' }, { mode: 'required' }, null],
    foreign: ['auto-attach', 'required', null],
  },
  {
    path: 'usb/sys-usb+*:046d:085b:ABC12345:u0e0100u0e0200',
    values: [{ mode: 'ask-to-attach' }, null],
    foreign: ['required', null],
  },
  { path: 'usb/denied/u03****', values: [true, null], foreign: ['yes', null] },
  { path: 'usb/denied/u080650', values: [true, null], foreign: ['yes', null] },
  {
    path: 'slic/tables',
    values: [['host:SLIC'], ['host:MSDM'], ['host:SLIC', 'host:MSDM'], [], null],
    foreign: [],
  },
]

const FEATURES: Readonly<Record<string, string>> = {
  'audio/model': 'audio-model',
  'audio/timerPeriod': 'timer-period',
  'stubdom/qrexec': 'stubdom-qrexec',
  'stubdom/qemuExtraArgs': 'qemu-extra-args',
}

const PROPERTIES: Readonly<Record<string, string>> = {
  'audio/audiovm': 'audiovm',
  'stubdom/memory': 'stubdom_mem',
  'qube/memory': 'memory',
  'qube/defaultUser': 'default_user',
  'qube/includeInBackups': 'include_in_backups',
}

type Place =
  | { readonly kind: 'feature' | 'property' | 'tag' | 'denied'; readonly name: string }
  | { readonly kind: 'usb'; readonly backend: string; readonly port: string; readonly id: string }
  | { readonly kind: 'slic' }

function placeOf(path: string): Place {
  const feature = FEATURES[path]
  if (feature !== undefined) return { kind: 'feature', name: feature }
  const property = PROPERTIES[path]
  if (property !== undefined) return { kind: 'property', name: property }
  const [, kind, name = ''] =
    /^(qube\/features|qube\/properties|tags|usb\/denied|usb|slic)\/(.+)$/.exec(path) ?? []
  switch (kind) {
    case 'qube/features':
      return { kind: 'feature', name }
    case 'qube/properties':
      return { kind: 'property', name }
    case 'tags':
      return { kind: 'tag', name }
    case 'usb/denied':
      return { kind: 'denied', name }
    case 'usb': {
      const [, backend = '', port = '', id = ''] = /^([^+]+)\+([^:]+):(.+)$/.exec(name) ?? []
      return { kind: 'usb', backend, port, id }
    }
    case 'slic':
      return { kind: 'slic' }
    default:
      throw new Error(`${path} is not known here`)
  }
}

const template = (qube: string): string => `file etc/qubes/templates/libvirt/xen/by-name/${qube}.xml`

/** The text of a setting in a snapshot, `null` where it is not set. */
export function textIn(snapshot: Snapshot, qube: string, path: string): string | null {
  const place = placeOf(path)
  switch (place.kind) {
    case 'feature':
    case 'property':
    case 'tag':
      return snapshot.get(`${qube} ${place.kind} ${place.name}`) ?? null
    case 'denied':
      return (snapshot.get(`${qube} property devices_denied`) ?? '').includes(place.name) ? 'yes' : null
    case 'usb':
      return snapshot.get(`${qube} usb ${place.backend}+${place.port}:${place.id}`)?.split(' ')[0] ?? null
    case 'slic':
      return / tables=(\S+) /.exec(snapshot.get(template(qube)) ?? '')?.[1] ?? null
  }
}

/** What a text at this place means to Qubes, in one form. */
export function meaningOf(path: string, text: string | null): string | null {
  if (text === null) return null
  if (path === 'stubdom/qrexec') return text === '' ? 'off' : 'on'
  return text
}

/** What a wanted value means, in the same form. */
export function meaningOfValue(path: string, value: Value | null): string | null {
  if (value === null || (Array.isArray(value) && value.length === 0)) return null
  // What was there before comes back as the text that it was.
  if (path === 'stubdom/qrexec')
    return value === true || (typeof value === 'string' && value !== '') ? 'on' : 'off'
  if (path.startsWith('tags/') || path.startsWith('usb/denied/')) return 'yes'
  if (Array.isArray(value)) return value.join(',')
  if (typeof value === 'object') return (value as { mode: string }).mode
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)
}

/** The text that a wanted value is written as. */
export function textOfValue(path: string, value: Value | null): string | null {
  const meaning = meaningOfValue(path, value)
  if (path !== 'stubdom/qrexec' || meaning === null) return meaning
  return meaning === 'on' ? '1' : ''
}

/** Whether a line of a snapshot is a part of this setting, or follows from it inside qubesd. */
export function isKeyOf(qube: string, path: string, key: string): boolean {
  const place = placeOf(path)
  switch (place.kind) {
    case 'feature':
    case 'property':
    case 'tag':
      return (
        key === `${qube} ${place.kind} ${place.name}` ||
        // qubesd keeps a tag that names the audio qube.
        (place.name === 'audiovm' && key.startsWith(`${qube} tag audiovm-`))
      )
    case 'denied':
      return key === `${qube} property devices_denied`
    case 'usb':
      return key === `${qube} usb ${place.backend}+${place.port}:${place.id}`
    case 'slic':
      return key === template(qube) || key === `file var/lib/qstate/acpi/${qube}.bin`
  }
}

/** Another program sets a text, or takes it away. */
export function foreignWrite(simulator: Simulator, qube: string, path: string, text: string | null): void {
  const place = placeOf(path)
  const before = simulator.host.qubes.get(qube)
  if (before === undefined) throw new Error(`there is no qube ${qube}`)
  const send = (method: string, arg: string, payload = ''): void => {
    act(simulator, { dest: qube, method: `admin.vm.${method}`, arg, payload })
  }
  switch (place.kind) {
    case 'feature':
      if (text !== null) send('feature.Set', place.name, text)
      else if (before.features.has(place.name)) send('feature.Remove', place.name)
      return
    case 'property':
      if (text !== null) send('property.Set', place.name, text)
      else send('property.Reset', place.name)
      return
    case 'tag':
      if (text !== null) send('tag.Set', place.name)
      else if (before.tags.has(place.name)) send('tag.Remove', place.name)
      return
    case 'denied':
      send(text === null ? 'device.denied.Remove' : 'device.denied.Add', '', place.name)
      return
    case 'usb': {
      const { backend, port, id } = place
      const there = before.assignments.has(`${backend} ${port} ${id}`)
      if (there) send('device.usb.Unassign', `${backend}+${port}:${id}`)
      if (text === null) return
      const fields = { device_id: id, port_id: port, devclass: 'usb', backend_domain: backend, mode: text }
      const payload = Object.entries(fields).map(([key, field]) => `${key}='${field}'`)
      send('device.usb.Assign', `${backend}+${port}:${id}`, payload.join(' '))
      return
    }
    case 'slic':
      throw new Error('no other program writes templates here')
  }
}
