import { AREAS, SETTING_BY_PATH, SETTINGS, UNMANAGED, type Value } from '../vocabulary/index.ts'
import { inReadingOrder } from './lines.ts'
import { quoted, scalar, writeValue, type WrittenNode } from './value.ts'

/** What a body says, path by path. `unmanaged` takes back what a profile says. */
export type Sayings = ReadonlyMap<string, Value | { readonly unmanaged: true }>

/** Name of a declared device, by its key. */
export type DeviceNames = ReadonlyMap<string, string>

/** The sections of a body, in the order in which a person would write them. */
export function writeSections(
  sayings: Sayings,
  devices: DeviceNames,
): readonly (readonly [string, WrittenNode])[] {
  return AREAS.flatMap((area) => {
    const paths = [...sayings.keys()].filter((path) => path.startsWith(`${area}/`))
    if (paths.length === 0) return []
    const own = new Map(paths.map((path) => [path, sayings.get(path) ?? '']))
    return [[area, section(area, own, devices)] as const]
  })
}

/** What of a section is said below which key, and how: `['audio', 'model']`, `['qube', 'features', 'os']`. */
export function placeOf(path: string): readonly string[] {
  const setting = SETTING_BY_PATH.get(path)
  if (setting !== undefined) return [setting.area, setting.key]
  const [area = '', ...rest] = path.split('/')
  const nested = area === 'qube' || (area === 'usb' && rest[0] === 'denied')
  return nested ? [area, rest[0] ?? '', rest.slice(1).join('/')] : [area, rest.join('/')]
}

function section(area: string, sayings: Sayings, devices: DeviceNames): WrittenNode {
  switch (area) {
    case 'slic':
      return [...sayings].map(([path, saying]) => say(path, saying))[0] ?? UNMANAGED
    case 'usb':
      return usbSection(sayings, devices)
    case 'tags':
      return { list: names(sayings, 'tags/').map(scalar) }
    default:
      return settingsSection(area, sayings)
  }
}

function settingsSection(area: string, sayings: Sayings): WrittenNode {
  const own = SETTINGS.flatMap(({ path, key }): (readonly [string, WrittenNode])[] => {
    const saying = sayings.get(path)
    return saying === undefined ? [] : [[key, say(path, saying)]]
  })
  if (area === 'audio' && own.length === 1 && own[0]?.[0] === 'model') return own[0][1]
  const generic = (folder: string): (readonly [string, WrittenNode])[] => {
    const prefix = `qube/${folder}/`
    const map = names(sayings, prefix)
      .filter((name) => !SETTING_BY_PATH.has(prefix + name))
      .map((name) => [scalar(name), say(prefix + name, sayings.get(prefix + name) ?? '')] as const)
    return map.length === 0 ? [] : [[folder, { map }]]
  }
  return { map: [...own, ...generic('features'), ...generic('properties')] }
}

function usbSection(sayings: Sayings, devices: DeviceNames): WrittenNode {
  const denied = names(sayings, 'usb/denied/')
  const assigned = [...sayings]
    .filter(([path]) => !path.startsWith('usb/denied/'))
    .map(([path, saying]) => [deviceWord(path.slice('usb/'.length), devices), say(path, saying)] as const)
    .sort(([a], [b]) => inReadingOrder(a, b))
  if (denied.length === 0 && assigned.every(([, mode]) => mode === 'auto-attach'))
    return { list: assigned.map(([word]) => word) }
  const last = denied.length === 0 ? [] : [['denied', { list: denied.map(scalar) }] as const]
  return { map: [...assigned, ...last] }
}

const deviceWord = (key: string, devices: DeviceNames): string => {
  const name = devices.get(key)
  return name === undefined ? quoted(key) : scalar(name)
}

const say = (path: string, saying: Value | { readonly unmanaged: true }): WrittenNode =>
  typeof saying === 'object' && 'unmanaged' in saying ? UNMANAGED : writeValue(path, saying)

const names = (sayings: Sayings, prefix: string): readonly string[] =>
  [...sayings.keys()]
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .sort(inReadingOrder)
